package compile

import (
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// Connection is an entry of the catalog of an agent: what templates see of it.
type Connection struct {
	Name, Kind string
	Schema     map[string]any
}

// path gives where a store's content begins: its mount, or its bucket.
func (c Connection) path() string {
	for _, key := range []string{"mountPath", "bucket"} {
		if text, ok := c.Schema[key].(string); ok {
			return strings.TrimRight(text, "/")
		}
	}
	return ""
}

// Context is what a run is, for templates.
type Context struct {
	Owner, Project, ProjectUUID, Name, UUID, Namespace string
	// Created is when the run was; the zero Time for none.
	Created time.Time
	// ArtifactsRoot is where a pod sees the artifacts; "" for
	// /plx-context/artifacts.
	ArtifactsRoot string
	// Store is where artifacts are kept; the zero Connection for none.
	Store       Connection
	Connections map[string]Connection
}

const contextPath = "/plx-context"

// globals gives the variable globals before the run's plugins and kind are known.
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

// early gives globals as the sections see them that are rendered before the run: no
// agent has said its namespace yet.
func (c *Compiled) early(x Context) map[string]any {
	g := c.globals(x, nil)
	g["namespace"] = nil
	return g
}

// addresses adds what only services have: ports, and the paths that lead to them.
func (c *Compiled) addresses(g, run map[string]any, x Context) {
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
		for _, r := range text { // a template, which Polyaxon takes for a list here
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
