package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

var (
	first  = schema.Version{Major: 1, Minor: 11, Patch: 3}
	second = schema.Version{Major: 2, Minor: 16, Patch: 4}
)

// TestVersions checks files for several versions. Each row is a difference between two
// releases, or a mistake, and what each version reports. The results for 1.11.3 were
// recorded from its server, those for 2.16 come from its models, and those for 2.18 from
// its parser.
func TestVersions(t *testing.T) {
	const (
		head = "version: 1.1\nkind: component\n"
		op   = "version: 1.1\nkind: operation\ncomponent: {run: {kind: job}}\n"
		job  = head + "run:\n  kind: job\n"
	)
	for name, test := range map[string]struct {
		text string
		want map[schema.Version]string // "" for nothing; a missing version has the result of 2.18
	}{
		"no version":           {"kind: component\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 1:1 Polyaxon 1.11.3 needs version (add version: 1.1)", second: "", latest: ""}},
		"quoted version":       {"version: \"1.1\"\nkind: component\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 1:10 version must be 1.1, not \"1.1\" (write version: 1.1 without quotes)", latest: "advice 1:10 version should be a number, not \"1.1\": Polyaxon converts it"}},
		"version 1.0":          {"version: 1.0\nkind: component\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 1:10 version must be 1.1, not 1.0", latest: ""}},
		"version 2":            {"version: 2\nkind: component\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 1:10 version must be 1.1, not 2", latest: ""}},
		"no kind":              {"version: 1.1\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 1:1 Polyaxon 1.11.3 needs kind (add kind: component or kind: operation)", second: "submit 1:1 Polyaxon 2.16.4 needs kind (add kind: component or kind: operation)", latest: ""}},
		"no run":               {head, map[schema.Version]string{first: "submit 1:1 the component needs run", latest: "submit 1:1 the component needs run"}},
		"bad run kind":         {head + "run: {kind: jobx}\n", map[schema.Version]string{latest: "submit 3:13 unknown kind of run: jobx (did you mean job?)"}},
		"unknown key":          {job + "  environment: {foo: 1}\n", map[schema.Version]string{latest: "submit 5:17 run.environment has no key foo"}},
		"container key":        {job + "  container: {imagee: a}\n", map[schema.Version]string{latest: "submit 5:15 run.container has no key imagee (did you mean image?)"}},
		"name":                 {head + "name: \"a b\"\nrun: {kind: job}\n", map[schema.Version]string{latest: `submit 3:7 "a b" is not a valid name (use letters, digits, - and _)`}},
		"command":              {job + "  container: {command: {a: b}}\n", map[schema.Version]string{latest: `run 5:24 run.container.command must be a list, not a mapping`}},
		"cpu":                  {job + "  container: {resources: {limits: {cpu: lots}}}\n", map[schema.Version]string{latest: "run 5:41 run.container.resources.limits.cpu is not a valid quantity: lots (write it as 500m, 2, 512Mi or 4Gi)"}},
		"nested key":           {job + "  container: {resources: {limitz: {}}}\n", map[schema.Version]string{latest: "run 5:27 run.container.resources has no key limitz (did you mean limits?)"}},
		"nested need":          {job + "  container: {env: [{value: a}]}\n", map[schema.Version]string{latest: "run 5:21 run.container.env.0 needs name"}},
		"volume name":          {job + "  volumes: [{emptyDir: {}}]\n", map[schema.Version]string{latest: "submit 5:13 run.volumes.0 needs name"}},
		"pod fsGroup":          {job + "  environment: {securityContext: {fsGroup: 1}}\n", map[schema.Version]string{latest: "submit 5:35 run.environment.securityContext has no key fsGroup"}},
		"pod privileged":       {job + "  environment: {securityContext: {privileged: true}}\n", map[schema.Version]string{latest: "run 5:35 run.environment.securityContext has no key privileged (only the securityContext of a container has it)"}},
		"toleration":           {job + "  environment: {tolerations: [{key: a, operator: exists, effect: NoSchedule}]}\n", map[schema.Version]string{latest: `run 5:50 run.environment.tolerations.0.operator must be one of Exists, Equal, Lt, Gt, not "exists" (did you mean Exists?)`}},
		"dns policy":           {job + "  environment: {dnsPolicy: default}\n", map[schema.Version]string{latest: `run 5:28 run.environment.dnsPolicy must be one of ClusterFirst, ClusterFirstWithHostNet, Default, None, not "default"`}},
		"short param":          {strings.Replace(op, "{run", "{inputs: [{name: a}], run", 1) + "params: {a: 3}\n", map[schema.Version]string{first: "submit 4:13 params.a must be a mapping with value (write {value: ...}; the short form was added in Polyaxon 2.13)", latest: ""}},
		"param value":          {op + "params: {a: {connection: c}}\n", map[schema.Version]string{first: "submit 4:13 params.a needs value", latest: ""}},
		"validation":           {head + "inputs: [{name: a, isOptional: true, validation: {gt: 1}}]\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:38 inputs.0 has no key validation (added in Polyaxon 2.0)", latest: ""}},
		"file input":           {head + "inputs: [{name: a, type: file}]\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:26 unknown input or output type file", latest: ""}},
		"input type":           {head + "inputs: [{name: a, type: itn}]\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:26 unknown input or output type itn (did you mean int?)", latest: "compile 3:26 unknown input or output type itn (did you mean int?)"}},
		"namespace":            {head + "namespace: a\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:1 the component has no key namespace (added in Polyaxon 2.0)", latest: ""}},
		"mount":                {head + "mount: [a]\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:1 the component has no key mount (added in Polyaxon 2.13)", latest: ""}},
		"strict params":        {head + "strictParams: true\nrun: {kind: job}\n", map[schema.Version]string{first: "submit 3:1 the component has no key strictParams (added in Polyaxon 2.18)", second: "submit 3:1 the component has no key strictParams (added in Polyaxon 2.18)", latest: ""}},
		"shortcuts":            {head + "container: {image: a}\ncmd: echo\nenv: {A: b}\nresources: {cpu: 1..2, memory: 1Gi, gpu: 1}\n", map[schema.Version]string{second: "submit 3:1 the component has no key container (added in Polyaxon 2.18)\nsubmit 4:1 the component has no key cmd (added in Polyaxon 2.18)\nsubmit 5:1 the component has no key env (added in Polyaxon 2.18)\nsubmit 6:1 the component has no key resources (added in Polyaxon 2.18)\nsubmit 1:1 the component needs run", first: "submit 3:1 the component has no key container (added in Polyaxon 2.18)\nsubmit 4:1 the component has no key cmd (added in Polyaxon 2.18)\nsubmit 5:1 the component has no key env (added in Polyaxon 2.18)\nsubmit 6:1 the component has no key resources (added in Polyaxon 2.18)\nsubmit 1:1 the component needs run", latest: ""}},
		"short env":            {"cmd: a\nenv: {A: 1}\n", map[schema.Version]string{first: "-", second: "-", latest: "submit 2:10 env.A must be text, not 1 (put it in quotes)"}},
		"short gpu":            {"cmd: a\nresources: {gpu: 1.5}\n", map[schema.Version]string{first: "-", second: "-", latest: "submit 2:18 resources.gpu is not a valid amount of gpu: 1.5 (write a number, or a range such as 1..2)"}},
		"ray":                  {head + "run: {kind: ray, spec: {}}\n", map[schema.Version]string{first: "", latest: "submit 3:13 unknown kind of run: ray (removed in Polyaxon 2.0)"}},
		"raycluster":           {head + "run: {kind: raycluster, head: {replicas: 1}}\n", map[schema.Version]string{first: "submit 3:13 unknown kind of run: raycluster (added in Polyaxon 2.12)", latest: ""}},
		"hyperopt":             {op + "matrix: {kind: hyperopt, numRuns: 1, metric: {name: a}, params: {a: {kind: choice, value: [1]}}}\n", map[schema.Version]string{first: "", second: "", latest: "submit 4:16 unknown kind of matrix: hyperopt (removed in Polyaxon 2.18)"}},
		"tpe":                  {op + "matrix: {kind: tpe, metric: {name: a}, params: {a: {kind: choice, value: [1]}}}\n", map[schema.Version]string{first: "submit 4:16 unknown kind of matrix: tpe (added in Polyaxon 2.18)", second: "submit 4:16 unknown kind of matrix: tpe (added in Polyaxon 2.18)", latest: ""}},
		"daterange":            {op + "matrix: {kind: grid, params: {a: {kind: daterange, value: [2021-01-01, 2021-02-01, 1]}}}\n", map[schema.Version]string{first: "submit 4:41 unknown kind of search space: daterange (added in Polyaxon 2.0)", latest: ""}},
		"restart policy":       {job + "  environment: {restartPolicy: ExitCode}\n", map[schema.Version]string{first: `submit 5:32 run.environment.restartPolicy must be one of Always, OnFailure, Never, not "ExitCode"`, latest: ""}},
		"plugin ref":           {head + "plugins: {auth: \"{{ a }}\"}\nrun: {kind: job}\n", map[schema.Version]string{first: `submit 3:17 plugins.auth must be true or false, not "{{ a }}" (Polyaxon takes no template here)`, latest: ""}},
		"quoted seconds":       {head + "termination: {ttl: \"60\"}\nrun: {kind: job}\n", map[schema.Version]string{first: `advice 3:20 termination.ttl should be a whole number, not "60": Polyaxon converts it`, latest: `submit 3:20 termination.ttl must be a whole number, not "60"`}},
		"tags":                 {head + "tags: a\nrun: {kind: job}\n", map[schema.Version]string{first: `submit 3:7 tags must be a list, not "a" (write it as a list: ["a"])`, latest: ""}},
		"hook trigger":         {head + "hooks: [{hubRef: slack, trigger: running}]\nrun: {kind: job}\n", map[schema.Version]string{first: `submit 3:34 hooks.0.trigger must be one of done, failed, skipped, stopped, succeeded, upstream_failed, not "running"`, latest: ""}},
		"early stopping":       {op + "matrix: {kind: mapping, values: [{a: 1}], earlyStopping: [{kind: failure_early_stopping}]}\n", map[schema.Version]string{latest: "submit 4:59 matrix.earlyStopping.0 needs percent"}},
		"two components":       {op + "hubRef: a\n", map[schema.Version]string{latest: "advice 4:1 an operation must have only one of component and hubRef"}},
		"patch":                {op + "runPatch: {container: {imagee: a}, kind: job}\n", map[schema.Version]string{latest: "submit 4:24 runPatch.container has no key imagee (did you mean image?)"}},
		"dag":                  {head + "run: {kind: dag, operations: [{name: a, hubRef: b}]}\n", map[schema.Version]string{latest: "submit 3:49 hubRef is not resolved (servers do not resolve it: name a file that slipway reads, or put the component here)"}},
		"unquoted date":        {head + "description: 2021-01-02\nrun: {kind: job}\n", map[schema.Version]string{latest: `submit 3:14 description must be text, not "2021-01-02" (put it in quotes)`}},
		"default":              {head + "inputs: [{name: a, isOptional: false, value: 1}]\nrun: {kind: job}\n", map[schema.Version]string{latest: "submit 3:32 a has a default value but is not optional (remove isOptional, or set it to true)"}},
		"start without a time": {op + "schedule: {kind: interval, frequency: 3600, startAt: \"2026-01-01\"}\n", map[schema.Version]string{first: `submit 4:54 schedule.startAt must be a date with a time, such as "2026-01-01T08:00:00", not "2026-01-01"`, latest: ""}},
		"start on a date":      {op + "schedule: {kind: cron, cron: '1 1 * * *', startAt: 2026-01-01}\n", map[schema.Version]string{first: `submit 4:52 schedule.startAt must be a date with a time, such as "2026-01-01T08:00:00", not "2026-01-01" (put it in quotes)`, latest: ""}},
		"frequency as text":    {op + "schedule: {kind: interval, frequency: P1D}\n", map[schema.Version]string{first: `submit 4:39 schedule.frequency must be a whole number, not "P1D"`, latest: ""}},
		"a date as param":      {strings.Replace(op, "{run", "{inputs: [{name: e, type: str}], run", 1) + "params: {e: {value: 2021-01-02}}\n", map[schema.Version]string{first: "submit 4:21 YAML reads 2021-01-02 as a date, which Polyaxon 1.11.3 cannot send (put it in quotes)", latest: ""}},
		"a date as argument":   {job + "  container: {args: [2021-01-02]}\n", map[schema.Version]string{first: "submit 5:22 YAML reads 2021-01-02 as a date, which Polyaxon 1.11.3 cannot send (put it in quotes)", latest: ""}},
		"no runs":              {op + "schedule: {kind: cron, cron: '1 1 * * *', maxRuns: 0}\n", map[schema.Version]string{first: "-", latest: ""}},
		"cost":                 {op + "cost: 1\n", map[schema.Version]string{first: "submit 4:1 the operation has no key cost (added in Polyaxon 2.0)", latest: ""}},
		"container restart":    {job + "  sidecars: [{name: a, restartPolicy: Always}]\n", map[schema.Version]string{first: "submit 5:24 run.sidecars.0 has no key restartPolicy (added in Polyaxon 2.0)", latest: ""}},
		"not a mapping":        {head + "run: a\n", map[schema.Version]string{latest: `submit 3:6 run must be a mapping, not "a"`}},
		"schedule":             {op + "schedule: {kind: cron}\n", map[schema.Version]string{latest: "submit 4:11 schedule needs cron"}},
		"event":                {op + "events: [{kinds: [run_status_don], ref: ops.a}]\n", map[schema.Version]string{latest: `submit 4:19 events.0.kinds.0 must be one of run_status_created, run_status_resuming, run_status_compiled, run_status_on_schedule, run_status_queued, run_status_scheduled, run_status_starting, run_status_running, ..., not "run_status_don" (did you mean run_status_done?)`}},
	} {
		f, problems := file.Load("f.yml", []byte(test.text))
		if err := file.Errors(problems); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, version := range []schema.Version{first, second, latest} {
			want, own := test.want[version]
			if !own {
				want = test.want[latest]
			}
			var have []string
			for _, p := range Validate(f, version) {
				line := fmt.Sprintf("%s %d:%d %s", p.Stage, p.Line, p.Column, p.Message)
				if p.Hint != "" {
					line += " (" + p.Hint + ")"
				}
				have = append(have, line)
			}
			if want != "-" && strings.Join(have, "\n") != want {
				t.Errorf("%s on %s:\nhave %s\nwant %s", name, version, strings.Join(have, "\n     "), want)
			}
		}
	}
}

// TestAnyVersion checks that Parse accepts what one supported version accepts.
func TestAnyVersion(t *testing.T) {
	for _, text := range []string{
		"run: {kind: ray, spec: {}}\n", "run: {kind: raycluster}\n", "cmd: echo\n", "run: {kind: job}\ntermination: {ttl: \"60\"}\n", "run: {kind: job}\ntags: a\n",
		"component: {run: {kind: job}}\nmatrix: {kind: hyperopt, metric: {name: a}, numRuns: 1, params: {a: {kind: choice, value: [1]}}}\n",
		"component: {run: {kind: job}}\nmatrix: {kind: tpe, metric: {name: a}, params: \"{{ a }}\"}\n", "run: {kind: job}\nhooks: [{hubRef: a, trigger: running}]\n",
	} {
		if _, err := Parse("f.yml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func BenchmarkParseAndValidate(b *testing.B) {
	text := []byte(polyaxonfiletest.Train)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := file.Load("f.yml", text)
		Validate(f, latest)
	}
}
