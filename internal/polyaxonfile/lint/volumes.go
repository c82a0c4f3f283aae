package lint

import (
	"path"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func volumeRules() []Rule {
	return []Rule{
		{Name: "unknown-volume", Severity: file.SeverityError, Stage: file.StageRun, check: unknownVolume,
			Summary: "A mount of a volume that the run does not have",
			Help:    "A container's `volumeMounts` name entries of the run's `volumes`. Kubernetes refuses a pod that mounts an unknown volume. Connections are mounted by Polyaxon and need no volumeMount."},
		{Name: "unused-volume", Severity: file.SeverityWarning, Stage: file.StageRun, check: unusedVolume,
			Summary: "A volume that no container mounts",
			Help:    "The pod waits for the volume to be attached, and no program sees it. Mount it, or remove it."},
		{Name: "duplicate-mount", Severity: file.SeverityError, Stage: file.StageRun, check: duplicateMount,
			Summary: "Two mounts at the same path, or two volumes of the same name",
			Help:    "Kubernetes refuses a pod with two mounts at the same path of a container, and one with two volumes of the same name."},
	}
}

func volumesOf(pod container) map[string][]string {
	names := map[string][]string{}
	for i, element := range list(pod.values["volumes"]) {
		if name := text(mapping(element)["name"]); name != "" {
			names[name] = extend(pod.path, "volumes", itoa(i), "name")
		}
	}
	return names
}

// mounts calls visit for the volume mounts of a pod.
func (p *pass) mounts(pod container, visit func(mount map[string]any, path []string, c container)) {
	for _, c := range p.containers() {
		if within(pod.path, c.path) {
			for i, element := range list(c.values["volumeMounts"]) {
				if mount := mapping(element); mount != nil {
					visit(mount, extend(c.path, "volumeMounts", itoa(i)), c)
				}
			}
		}
	}
}

func unknownVolume(p *pass) {
	for _, pod := range p.pods() {
		volumes := volumesOf(pod)
		p.mounts(pod, func(mount map[string]any, path []string, _ container) {
			name := text(mount["name"])
			own := name == "artifacts-context" || name == "shm" || name == "docker-socket" || contains(p.connections(), name)
			if name == "" || templated(name) || volumes[name] != nil || own || templated(text(pod.values["volumes"])) || p.operation["runPatch"] != nil {
				return
			}
			hint := didYouMean(name, sorted(volumes))
			if hint == "" {
				hint = "add it to the run's volumes"
			}
			p.value(extend(path, "name"), hint, "the run has no volume %s", name)
		})
	}
}

func unusedVolume(p *pass) {
	for _, pod := range p.pods() {
		used := map[string]bool{}
		p.mounts(pod, func(mount map[string]any, _ []string, _ container) {
			used[text(mount["name"])] = true
			if templated(text(mount["name"])) {
				used["*"] = true
			}
		})
		volumes := volumesOf(pod)
		for _, name := range sorted(volumes) {
			if !used[name] && !used["*"] && !templated(name) && p.run["kind"] != "dag" && p.operation["runPatch"] == nil {
				p.value(volumes[name], "mount it by volumeMounts, or remove it", "no container mounts the volume %s", name)
			}
		}
	}
}

func duplicateMount(p *pass) {
	for _, pod := range p.pods() {
		seen := map[string]bool{}
		p.mounts(pod, func(mount map[string]any, at []string, c container) {
			place := path.Clean(text(mount["mountPath"]))
			key := c.path[len(c.path)-1] + "\x00" + place
			for _, k := range c.path {
				key = k + "\x00" + key
			}
			if text(mount["mountPath"]) != "" && seen[key] {
				p.value(extend(at, "mountPath"), "choose another path", "two volumes are mounted at %s", place)
			}
			seen[key] = true
		})
		names := map[string]bool{}
		for i, element := range list(pod.values["volumes"]) {
			name := text(mapping(element)["name"])
			if name != "" && names[name] {
				p.value(extend(pod.path, "volumes", itoa(i), "name"), "choose another name", "two volumes are called %s", name)
			}
			names[name] = true
		}
	}
}

// connections returns the names of the connections that the unit's run uses.
func (u unit) connections() []string {
	var names []string
	add := func(value any) {
		for _, element := range list(value) {
			names = append(names, text(element))
		}
	}
	add(u.run["connections"])
	add(u.component["connections"])
	for _, r := range u.replicas() {
		add(r.values["connections"])
	}
	return names
}

// initConnections returns the names of the connections that the unit's init containers
// use.
func (u unit) initConnections() []string {
	var names []string
	for _, pod := range u.pods() {
		for _, element := range list(pod.values["init"]) {
			names = append(names, text(mapping(element)["connection"]))
		}
	}
	return names
}
