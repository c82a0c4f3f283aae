package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/file"

// JobRule is the rule for settings of a job in slipway.yaml that its Polyaxonfile does
// not accept. It is found when the two are combined.
const JobRule = "bad-job"

func platformRules() []Rule {
	return []Rule{
		{Name: JobRule, Severity: file.SeverityError, Stage: file.StageSubmit,
			Summary: "slipway.yaml sets a value that the Polyaxonfile of the job does not accept",
			Help:    "A param of the job whose input is not declared, a required input that is not set, a value that is not of its input's type, a preset that cannot be applied to the file, or a component that is not shipped with slipway."},
		{Name: "commercial-only", Severity: file.SeverityWarning, Stage: file.StageSubmit, check: commercialOnly, versions: before2,
			Summary: "A feature that the community edition of Polyaxon 1.11 refuses",
			Help:    "The community edition of 1.11 answers 400 to dags, matrices and schedules: \"your plan does not support operations of kind: ...\". 2.x runs them. Silence this rule where you have a commercial installation."},
		{Name: "build-section", Severity: file.SeverityError, Stage: file.StageCompile, check: buildSection,
			Summary: "A build section, which the community edition does not build",
			Help:    "The community edition of every Polyaxon fails the run when it is compiled: \"Build resolution is not supported in this Polyaxon distribution\". Name the image under `images` in slipway.yaml, which slipway builds and puts in place of `image: slipway`. Silence this rule where you have a commercial installation."},
	}
}

func commercialOnly(p *pass) {
	if p.nested {
		return
	}
	const hint = "Polyaxon 2.x runs it; or submit its parts by jobs of slipway.yaml, one after the other"
	if p.run["kind"] == "dag" {
		p.value(extend(p.runPath, "kind"), hint, "the community edition of Polyaxon %s refuses dags", p.version)
	}
	for _, key := range []string{"matrix", "schedule"} {
		switch {
		case key == "matrix" && p.options.Expanded:
		case p.operation[key] != nil:
			p.key(extend(p.operationPath, key), hint, "the community edition of Polyaxon %s refuses %s", p.version, key)
		case p.component[key] != nil && p.operation == nil:
			p.key(extend(p.path, key), hint, "the community edition of Polyaxon %s refuses %s", p.version, key)
		}
	}
}

func buildSection(p *pass) {
	const message, hint = "the community edition of Polyaxon does not build: the run fails when it is compiled", "build the image by images of slipway.yaml"
	if p.operation["build"] != nil {
		p.key(extend(p.operationPath, "build"), hint, message)
	}
	if p.component["build"] != nil {
		p.key(extend(p.path, "build"), hint, message)
	}
}
