package compile

import (
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Connection is an entry of an agent's catalog, as templates see it. Kind is its kind,
// such as volume_claim, and Schema its settings.
type Connection struct {
	Name, Kind string
	Schema     map[string]any
}

// path returns the root of a store's content: its mount path or its bucket.
func (c Connection) path() string {
	for _, key := range []string{"mountPath", "bucket"} {
		if text, ok := c.Schema[key].(string); ok {
			return strings.TrimRight(text, "/")
		}
	}
	return ""
}

// Context describes a run to its templates. Connections is the agent's catalog, by name.
type Context struct {
	Owner, Project, ProjectUUID, Name, UUID, Namespace string
	// Created is when the run was created. The zero Time means that it is not known.
	Created time.Time
	// ArtifactsRoot is the directory of the artifacts in a pod. "" means
	// /plx-context/artifacts.
	ArtifactsRoot string
	// Store is the store of the artifacts. The zero Connection means that there is none.
	Store       Connection
	Connections map[string]Connection
	// Placeholder returns what stands for a connection that is not in Connections. If it is
	// nil, such a connection is an error.
	Placeholder func(name string) Connection
}

// PlaceholderConnection stands for a connection of which only the name is known. It has what
// templates read of connections of any kind.
func PlaceholderConnection(name string) Connection {
	return Connection{Name: name, Kind: "volume_claim", Schema: map[string]any{
		"volumeClaim": name, "mountPath": "/" + name, "hostPath": "/" + name, "bucket": "s3://" + name, "url": "https://" + name,
	}}
}

// connection returns the connection with a name, apart from the store.
func (x Context) connection(name string) (Connection, bool) {
	found, ok := x.Connections[name]
	if !ok && x.Placeholder != nil && name != x.Store.Name {
		return x.Placeholder(name), true
	}
	return found, ok
}

const contextPath = "/plx-context"

// globals returns the variable globals, without the attributes that depend on the kind of
// the run.
func (c *Compiled) globals(x Context, plugins map[string]any) map[string]any {
	root := x.ArtifactsRoot
	if root == "" {
		root = contextPath + "/artifacts"
	}
	var created any
	if !x.Created.IsZero() {
		created = x.Created.UTC()
	}
	g := map[string]any{
		"owner_name": x.Owner, "project_name": x.Project, "project_unique_name": x.Owner + "." + x.Project, "project_uuid": orNil(x.ProjectUUID),
		"run_info": x.Owner + "." + x.Project + ".runs." + x.UUID, "name": orNil(x.Name), "uuid": x.UUID, "namespace": orNil(x.Namespace), "iteration": nil,
		"context_path": contextPath, "artifacts_path": root, "created_at": created, "compiled_at": created, "schedule_at": nil,
		"started_at": nil, "finished_at": nil, "duration": nil, "cloning_kind": nil, "original_uuid": nil, "is_independent": true, "store_path": "",
	}
	if c.version.Major != 1 {
		g["username"], g["user_email"] = nil, nil
		g["run_relative_outputs_path"] = x.UUID + "/outputs"
	}
	switch {
	case plugins["collectArtifacts"] != false:
		g["run_artifacts_path"], g["run_outputs_path"] = root+"/"+x.UUID, root+"/"+x.UUID+"/outputs"
	case x.Store.Name != "":
		path := x.Store.path() + "/" + x.UUID
		g["run_artifacts_path"], g["run_outputs_path"] = path, path+"/outputs"
	}
	if plugins["mountArtifactsStore"] == true && x.Store.Name != "" {
		g["store_path"] = x.Store.path()
	}
	return g
}

// globalsBeforeRun returns globals for the sections that are rendered before the run. The
// namespace is not known yet at that time, because no agent has taken the run.
func (c *Compiled) globalsBeforeRun(x Context) map[string]any {
	g := c.globals(x, nil)
	g["namespace"] = nil
	return g
}

// addServiceGlobals adds the attributes that only services have: ports, and the paths that lead
// to them.
func (c *Compiled) addServiceGlobals(g, run map[string]any, x Context) {
	g["ports"] = run["ports"]
	location := "services"
	if run["isExternal"] == true {
		location = "external"
	}
	if run["rewritePath"] == true {
		location = "rewrite-" + location
	}
	base := "/" + location + "/v1/" + strings.Join([]string{x.Namespace, x.Owner, x.Project, "runs", x.UUID}, "/")
	if c.version.Major == 1 {
		g["base_url"] = base
		return
	}
	ports, _ := run["ports"].([]any)
	if text, ok := run["ports"].(string); ok {
		for _, r := range text { // a template; Polyaxon iterates over its characters here
			ports = append(ports, string(r))
		}
	}
	if len(ports) == 0 {
		ports = []any{80}
	}
	urls := make([]any, len(ports))
	for i, port := range ports {
		urls[i] = base
		if n, ok := port.(int); ok && n != 0 {
			urls[i] = base + "/" + strconv.Itoa(n)
		} else if !ok && python.Truth(port) {
			urls[i] = base + "/" + python.Str(port)
		}
	}
	g["base_url"], g["base_urls"] = urls[0], urls
}
