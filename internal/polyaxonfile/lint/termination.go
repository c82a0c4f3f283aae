package lint

import (
	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func terminationRules() []Rule {
	return []Rule{
		{Name: "restart-policy", Severity: file.SeverityError, Stage: file.StageRun, check: restartPolicy,
			Summary: "A restart policy that the kind of run cannot have",
			Help:    "A job becomes a Kubernetes Job, which supports the policies Never and OnFailure; a service becomes a Deployment, which supports only Always. Kubernetes refuses the rest. To try a job again, set `termination.maxRetries`."},
		{Name: "retries-in-place", Severity: file.SeverityWarning, Stage: file.StageRun, check: retriesInPlace,
			Summary: "Retries that lose the logs of what failed",
			Help:    "With `restartPolicy: OnFailure` a failed container is started again in the same pod, and when the retries are used up the pod is deleted with its logs. With Never each of the `maxRetries` is a pod of its own."},
		{Name: "zero-limit", Severity: file.SeverityWarning, Stage: file.StageRun, check: zeroLimit,
			Summary: "A time limit of 0 or less",
			Help:    "`termination.timeout` is seconds: 0 or less ends the run at once or is refused. Leave it out for no limit."},
	}
}

func restartPolicy(p *pass) {
	kind := text(p.run["kind"])
	policy := text(mapping(p.run["environment"])["restartPolicy"])
	path := extend(p.runPath, "environment", "restartPolicy")
	switch {
	case policy == "" || templated(policy):
	case kind == "job" && policy == "Always":
		p.value(path, "write Never, and set termination.maxRetries to try again", "a job cannot have restartPolicy Always: Kubernetes refuses it")
	case kind == "service" && policy != "Always":
		p.value(path, "leave it out", "a service can only have restartPolicy Always: Kubernetes refuses it").fix = edits(edit.Delete(path...))
	}
}

// termination returns the unit's termination and its path. That of the operation
// overrides that of the component.
func (u unit) termination() (map[string]any, []string) {
	if t := mapping(u.operation["termination"]); t != nil {
		return t, extend(u.operationPath, "termination")
	}
	return mapping(u.component["termination"]), extend(u.path, "termination")
}

func retriesInPlace(p *pass) {
	termination, _ := p.termination()
	retries, _ := termination["maxRetries"].(int)
	if p.run["kind"] == "job" && retries > 0 && text(mapping(p.run["environment"])["restartPolicy"]) == "OnFailure" {
		p.value(extend(p.runPath, "environment", "restartPolicy"), "write Never", "with OnFailure the logs of the %d retries are lost", retries)
	}
}

func zeroLimit(p *pass) {
	termination, path := p.termination()
	if n, ok := termination["timeout"].(int); ok && n <= 0 {
		p.value(extend(path, "timeout"), "leave it out for no limit", "a timeout of %d seconds ends the run before it begins", n)
	}
}
