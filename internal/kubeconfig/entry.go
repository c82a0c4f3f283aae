// Package kubeconfig writes entries for kubectl into a user's kubeconfig. It changes the
// text of the file, so that comments, order, anchors and other entries stay as they are.
package kubeconfig

import (
	"cmp"
	"encoding/base64"
)

// Entry is the access to a cluster: a cluster, a user and a context with one name.
type Entry struct {
	Name string
	// Server is the URL of the API server, and Authority the certificate of its authority,
	// in PEM. An empty Authority means those of the machine.
	Server    string
	Authority []byte
	// Namespace is the namespace of the context.
	Namespace string
	// Plugin prints the credentials.
	Plugin Plugin
}

// Plugin is a program that kubectl runs for credentials. It prints an ExecCredential.
type Plugin struct {
	Command string
	Args    []string
	// Env are variables that it gets in addition to those of kubectl.
	Env []Variable
	// Hint is what kubectl says when there is no such program.
	Hint string
}

// Variable is an environment variable.
type Variable struct{ Name, Value string }

// sections are the lists of a kubeconfig, with the key under which an item has its content.
// The order is that of kubectl.
func (e *Entry) sections() []section {
	cluster := map[string]any{"server": e.Server}
	if len(e.Authority) > 0 {
		cluster["certificate-authority-data"] = base64.StdEncoding.EncodeToString(e.Authority)
	}
	exec := map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "command": e.Plugin.Command, "interactiveMode": "Never",
		// The plugin sees for which server it is, and gives its token to no other.
		"provideClusterInfo": true,
	}
	var args []any
	for _, arg := range e.Plugin.Args {
		args = append(args, arg)
	}
	if args != nil {
		exec["args"] = args
	}
	var env []any
	for _, v := range e.Plugin.Env {
		env = append(env, map[string]any{"name": v.Name, "value": v.Value})
	}
	if env != nil {
		exec["env"] = env
	}
	if e.Plugin.Hint != "" {
		exec["installHint"] = e.Plugin.Hint
	}
	context := map[string]any{"cluster": e.Name, "user": e.Name, "namespace": cmp.Or(e.Namespace, "default")}
	return []section{
		{"clusters", "cluster", e.Name, cluster},
		{"contexts", "context", e.Name, context},
		{"users", "user", e.Name, map[string]any{"exec": exec}},
	}
}

// section is an item of one of the lists of a kubeconfig.
type section struct {
	list, key, name string
	content         map[string]any
}

// item returns the item of the list.
func (s *section) item() map[string]any { return map[string]any{"name": s.name, s.key: s.content} }
