package kubernetes

import "strings"

// target is the kind and the name of the objects that a request is about.
type target struct {
	kind            kind
	namespace, name string
	// subresource is the part of the object that the request is about, such as log. It is
	// "" for the object itself.
	subresource string
}

// parse reads /api/v1/namespaces[/NAME[/SUBRESOURCE]] and
// /api/v1[/namespaces/NS]/RESOURCE[/NAME[/SUBRESOURCE]], and the same below
// /apis/GROUP/v1. It reports whether path is one of these.
func parse(path string) (target, bool) {
	group := ""
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		rest, ok = strings.CutPrefix(path, "/apis/")
		var found bool
		group, rest, found = strings.Cut(rest, "/v1/")
		ok = ok && found && group != ""
	}
	if !ok {
		return target{}, false
	}
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	t := target{}
	if parts[0] == "namespaces" && len(parts) > 2 && kindOfResource(group, parts[2]) != (kind{}) {
		t.namespace, parts = parts[1], parts[2:]
	}
	if len(parts) > 3 {
		return target{}, false
	}
	if t.kind = kindOfResource(group, parts[0]); t.kind == (kind{}) || t.namespace != "" && !t.kind.namespaced {
		return target{}, false
	}
	if len(parts) > 1 {
		t.name = parts[1]
	}
	if len(parts) > 2 {
		t.subresource = parts[2]
	}
	if t.kind.namespaced && t.namespace == "" && t.name != "" {
		return target{}, false
	}
	return t, true
}

// kindOfResource returns the kind of a resource such as pods, or the zero kind.
func kindOfResource(group, resource string) kind {
	for _, k := range append(kinds(), reviewKinds()...) {
		if k.apiGroup == group && k.resource == resource {
			return k
		}
	}
	return kind{}
}

// includes reports whether an object of the kind is in the target's namespace.
func (t target) includes(x object) bool { return t.namespace == "" || x.GetNamespace() == t.namespace }

// resource returns the name of the resource or subresource.
func (t target) resource() string {
	if t.subresource != "" {
		return t.kind.resource + "/" + t.subresource
	}
	return t.kind.resource
}
