package lint

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func containerRules() []Rule {
	return []Rule{
		{Name: "duplicate-env", Severity: file.SeverityWarning, Stage: file.StageRun, check: duplicateEnv,
			Summary: "An environment variable is set twice",
			Help:    "Of two entries of `env` with the same name the last one wins. An input with `toEnv` sets a variable as well. Remove one of them."},
		{Name: "reserved-name", Severity: file.SeverityWarning, Stage: file.StageRun, check: reservedName,
			Summary: "A name that Polyaxon uses itself",
			Help: "Polyaxon sets variables whose names begin with POLYAXON_, and names its own containers and volumes polyaxon-... and artifacts-context. Using them in a Polyaxonfile breaks " +
				"tracking or the run. Choose another name. (Inputs called globals, params or connections are refused by every version.)"},
		{Name: "duplicate-container", Severity: file.SeverityError, Stage: file.StageRun, check: duplicateContainer,
			Summary: "Two containers have the same name",
			Help:    "Kubernetes refuses a pod in which two containers, init and sidecar containers included, share a name."},
	}
}

func duplicateEnv(p *pass) {
	for _, c := range p.containers() {
		seen := map[string]bool{}
		if c.role == "main" {
			for _, x := range p.declared("inputs") {
				if name := text(x.values["toEnv"]); name != "" {
					if seen[name] {
						p.value(extend(x.path, "toEnv"), "remove one of them", "two inputs set the variable %s", name)
					}
					seen[name] = true
				}
			}
		}
		for i, element := range list(c.values["env"]) {
			name := text(mapping(element)["name"])
			if name != "" && seen[name] {
				p.value(extend(c.path, "env", itoa(i), "name"), "remove one of them: the last one wins", "the variable %s is set twice", name)
			}
			seen[name] = true
		}
	}
}

func reservedName(p *pass) {
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			name := text(mapping(element)["name"])
			if strings.HasPrefix(name, "POLYAXON_") && !userVariable(name) {
				p.value(extend(c.path, "env", itoa(i), "name"), "choose another name", "Polyaxon sets variables that begin with POLYAXON_ itself")
			}
		}
		if name := text(c.values["name"]); strings.HasPrefix(name, "polyaxon-") && name != "polyaxon-main" {
			p.value(extend(c.path, "name"), "choose another name", "Polyaxon's own containers begin with polyaxon-")
		}
	}
	for _, pod := range p.pods() {
		for i, element := range list(pod.values["volumes"]) {
			switch name := text(mapping(element)["name"]); name {
			case "artifacts-context", "shm", "docker-socket":
				p.value(extend(pod.path, "volumes", itoa(i), "name"), "choose another name", "Polyaxon makes a volume called %s itself", name)
			}
		}
	}
	for _, x := range p.declared("inputs") {
		if name := text(x.values["toEnv"]); strings.HasPrefix(name, "POLYAXON_") && !userVariable(name) {
			p.value(extend(x.path, "toEnv"), "choose another name", "Polyaxon sets variables that begin with POLYAXON_ itself")
		}
	}
}

// userVariable reports whether a variable that begins with POLYAXON_ is meant to be set
// by users.
func userVariable(name string) bool {
	switch name {
	case "POLYAXON_LOG_LEVEL", "POLYAXON_NO_OP", "POLYAXON_OFFLINE", "POLYAXON_DEBUG", "POLYAXON_RUN_UUID":
		return true
	}
	return strings.HasPrefix(name, "POLYAXON_USER_")
}

func duplicateContainer(p *pass) {
	seen := map[string]bool{}
	for _, c := range p.containers() {
		if c.role == "replica" {
			return // each replica is a pod of its own
		}
		name := text(c.values["name"])
		if name != "" && seen[name] {
			p.value(extend(c.path, "name"), "choose another name", "two containers are called %s", name)
		}
		seen[name] = true
	}
}
