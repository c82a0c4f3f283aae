package polyaxon

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// variables holds a container's environment, in order.
type variables struct {
	names  []string
	values map[string]string
}

func (v *variables) set(name, value string) {
	if _, known := v.values[name]; !known {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

func (v *variables) list() []string {
	list := make([]string, len(v.names))
	for i, name := range v.names {
		list[i] = name + "=" + v.values[name]
	}
	return list
}

// environment returns a container's environment: Polyaxon's variables, followed by those
// of the operation. As in Kubernetes, a reference to a missing Secret or key makes the
// pod wait until it exists.
func (p *podRun) environment(c corev1.Container) (*variables, error) {
	for {
		env, missing := p.tryEnvironment(c)
		if missing == "" {
			return env, nil
		}
		if err := p.lacking(missing); err != nil {
			return nil, err
		}
	}
}

// lacking sets the status of a container that cannot be created yet, and waits for
// retryPause.
func (p *podRun) lacking(what string) error {
	p.setStatus(p.run.UUID, warning, "CreateContainerConfigError", what)
	return p.pause(retryPause)
}

func (p *podRun) tryEnvironment(c corev1.Container) (env *variables, missing string) {
	v := &variables{values: map[string]string{}}
	o := p.options
	for _, pair := range [][2]string{
		{"POLYAXON_K8S_NODE_NAME", nodeName}, {"POLYAXON_K8S_NAMESPACE", o.Namespace}, {"POLYAXON_K8S_POD_ID", p.name},
		{"POLYAXON_HOST", o.Host}, {"POLYAXON_AUTH_TOKEN", p.token(p.run.UUID)}, {"POLYAXON_IS_MANAGED", "true"}, {"POLYAXON_API_VERSION", "v1"},
		{"POLYAXON_RUN_INSTANCE", owner + "." + p.run.Project + ".runs." + p.run.UUID}, {"POLYAXON_COLLECT_ARTIFACTS", "true"},
	} {
		v.set(pair[0], pair[1])
	}
	for _, from := range c.EnvFrom {
		data, what := p.envFrom(from)
		if what != "" {
			return nil, what
		}
		for key, value := range data {
			v.set(from.Prefix+key, string(value))
		}
	}
	for _, e := range c.Env {
		value, present, what := p.value(e)
		if what != "" {
			return nil, what
		}
		if present {
			v.set(e.Name, expand(value, v))
		}
	}
	return v, ""
}

func (p *podRun) envFrom(from corev1.EnvFromSource) (data map[string][]byte, missing string) {
	switch {
	case from.SecretRef != nil:
		data, ok := p.options.Cluster.Secret(p.options.Namespace, from.SecretRef.Name)
		if !ok && !optional(from.SecretRef.Optional) {
			return nil, p.noObject("secret", from.SecretRef.Name)
		}
		return data, ""
	case from.ConfigMapRef != nil:
		data, ok := p.options.Cluster.ConfigMap(p.options.Namespace, from.ConfigMapRef.Name)
		if !ok && !optional(from.ConfigMapRef.Optional) {
			return nil, p.noObject("configmap", from.ConfigMapRef.Name)
		}
		return data, ""
	}
	return nil, ""
}

// value returns a variable's value and whether it is set. missing says which reference
// cannot be resolved.
func (p *podRun) value(e corev1.EnvVar) (value string, present bool, missing string) {
	from := e.ValueFrom
	switch {
	case from == nil:
		return e.Value, true, ""
	case from.SecretKeyRef != nil:
		data, ok := p.options.Cluster.Secret(p.options.Namespace, from.SecretKeyRef.Name)
		return p.keyOf("secret", from.SecretKeyRef.Name, from.SecretKeyRef.Key, data, ok, optional(from.SecretKeyRef.Optional))
	case from.ConfigMapKeyRef != nil:
		data, ok := p.options.Cluster.ConfigMap(p.options.Namespace, from.ConfigMapKeyRef.Name)
		return p.keyOf("configmap", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key, data, ok, optional(from.ConfigMapKeyRef.Optional))
	case from.FieldRef != nil:
		fields := map[string]string{
			"metadata.name": p.name, "metadata.namespace": p.options.Namespace, "metadata.uid": p.run.UUID, "spec.nodeName": nodeName,
			"status.podIP": "127.0.0.1", "status.hostIP": "127.0.0.1",
		}
		if value, ok := fields[from.FieldRef.FieldPath]; ok {
			return value, true, ""
		}
		return "", false, "the field " + from.FieldRef.FieldPath + " is not supported by the sandbox"
	}
	return "", false, "the variable " + e.Name + " has a source that the sandbox does not support"
}

func (p *podRun) keyOf(kind, name, key string, data map[string][]byte, exists, mayLack bool) (value string, present bool, missing string) {
	content, ok := data[key]
	switch {
	case ok:
		return string(content), true, ""
	case mayLack:
		return "", false, ""
	case !exists:
		return "", false, p.noObject(kind, name)
	}
	return "", false, fmt.Sprintf("couldn't find key %s in %s %s/%s", key, kind, p.options.Namespace, name)
}

func (p *podRun) noObject(kind, name string) string {
	return fmt.Sprintf("%s %q not found in namespace %s (name it under secrets in slipway.yaml)", kind, name, p.options.Namespace)
}

func optional(b *bool) bool { return b != nil && *b }

// expand replaces $(NAME) as Kubernetes does: unknown names are left as they are, and $$
// becomes $.
func expand(text string, v *variables) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 >= len(text) {
			b.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			b.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(text[i:], ')')
			if end < 0 {
				b.WriteByte('$')
				continue
			}
			name := text[i+2 : i+end]
			if value, ok := v.values[name]; ok {
				b.WriteString(value)
			} else {
				b.WriteString(text[i : i+end+1])
			}
			i += end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

func expandAll(texts []string, v *variables) []string {
	var expanded []string
	for _, text := range texts {
		expanded = append(expanded, expand(text, v))
	}
	return expanded
}
