package compile

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// question is a Polyaxonfile with presets and params, for the oracle and for slipway.
type question struct {
	Name   string            `json:"name"`
	Files  []string          `json:"files"`
	Params map[string]string `json:"params,omitempty"`
	Strict *bool             `json:"strict,omitempty"`
	// Version is the version of the operation that is created around a component.
	Version any `json:"-"`
}

// parts returns keys of a Polyaxonfile, valid and invalid ones, by the section in which
// they stand.
func parts() map[string][]string {
	return map[string][]string{
		"operation": {
			"name: an-op", "name: a b", "name: '{{ x }}'", "name: 3", "description: text", "description: 3", "tags: [a, b]", "tags: one", "tags: [1]", "tags: 'a, b,'", "tags: null",
			"queue: agent/q", "namespace: other", "namespace: polyaxon", "presets: [p]", "presets: p", "cost: 1", "cost: '2.5'", "cost: much", "cost: true",
			"isApproved: false", "isApproved: 'no'", "isApproved: maybe", "isApproved: 1", "version: '1.1'", "version: 3", "version: x", "bogus: 1",
			"cache: {disable: true, ttl: 100}", "cache: {disable: 'yes'}", "cache: {io: [a], sections: [init]}", "cache: {sections: [nothing]}", "cache: '{{ c }}'", "cache: text",
			"termination: {maxRetries: 3, ttl: 10, timeout: 3600}", "termination: {maxRetries: '3'}", "termination: {timeout: '{{ 2 + 3 }}'}", "termination: {culling: {timeout: '30'}}",
			"termination: {probe: {http: {path: /, port: 80}}}", "termination: {maxRetries: 1.5}", "termination: {bogus: 1}", "termination: null",
			"plugins: {auth: true, shm: false, docker: 'yes'}", "plugins: {logLevel: INFO, collectArtifacts: false}", "plugins: {notifications: [{connections: [slack], trigger: failed}]}",
			"plugins: {notifications: [{trigger: failed}]}", "plugins: {sandbox: true}", "plugins: {bogus: true}", "plugins: {mountArtifactsStore: true}",
			"hooks: [{hubRef: slack, trigger: succeeded, connection: c, params: {x: {value: 1}}}]", "hooks: [{trigger: succeeded}]", "hooks: [{hubRef: a, trigger: never}]", "hooks: [{hubRef: a, disableDefaults: true, presets: [x], queue: q, conditions: c}]",
			"schedule: {kind: cron, cron: '0 0 * * *', maxRuns: 3, dependsOnPast: true}", "schedule: {kind: interval, frequency: 120, startAt: '2026-01-01T00:00:00'}", "schedule: {kind: interval, frequency: P1DT2H}",
			"schedule: {kind: datetime, startAt: '2026-01-01 10:00'}", "schedule: {kind: cron}", "schedule: {kind: never}", "schedule: {cron: '* * * * *'}", "schedule: {kind: datetime, startAt: soon}", "schedule: {kind: interval, frequency: '10'}", "schedule: {kind: interval, frequency: '01:30:00', endAt: 2026-01-01}",
			"matrix: {kind: grid, params: {x: {kind: choice, value: [1, 2]}}, concurrency: 2}", "matrix: {kind: random, numRuns: 3, seed: 1, params: {x: {kind: uniform, value: [0, 1]}}}",
			"matrix: {kind: mapping, values: [{x: 1}, {x: 2}]}", "matrix: {kind: grid, params: {x: {kind: uniform, value: [0, 1]}}}", "matrix: {kind: grid, params: {x: {kind: range, value: [1, 10, 2]}}}",
			"matrix: {kind: grid, params: {x: {kind: linspace, value: {start: 1, stop: 2, num: 3}}}, numRuns: 5}", "matrix: {kind: grid, params: {x: {kind: range, value: '1:10:2'}}}",
			"matrix: {kind: hyperband, maxIterations: 9, eta: 3, resource: {name: x, type: int}, metric: {name: loss, optimization: minimize}, params: {x: {kind: choice, value: [1]}}}",
			"matrix: {kind: bayes, maxIterations: 5, numInitialRuns: 2, metric: {name: loss, optimization: minimize}, params: {x: {kind: uniform, value: [0, 1]}}, utilityFunction: {acquisitionFunction: ucb, kappa: 1.2, gaussianProcess: {kernel: matern, lengthScale: 1.0, nu: 1.9, numRestartsOptimizer: 0}}}",
			"matrix: {kind: tpe, maxIterations: 5, metric: {name: loss, optimization: minimize}, params: {x: {kind: uniform, value: [0, 1]}}}", "matrix: {kind: hyperopt, numRuns: 2, metric: {name: l, optimization: minimize}, params: {x: {kind: uniform, value: [0, 1]}}}",
			"matrix: {kind: iterative, maxIterations: 4, params: {x: {kind: choice, value: [1, 2]}}}", "matrix: {kind: grid}", "matrix: {kind: grid, params: {x: {kind: pchoice, value: [[1, 0.5], [2, 0.5]]}}}", "matrix: {kind: random, numRuns: 2, params: {x: {kind: pchoice, value: [[1, 0.5], [2, 0.5]]}, y: {kind: qnormal, value: {loc: 1, scale: 2, q: 0.5}}, z: {kind: loguniform, value: '0:1'}, w: {kind: daterange, value: ['2026-01-01', '2026-02-01', 1]}}}", "matrix: {kind: nothing, params: {}}", "matrix: {kind: random, params: {x: {kind: choice, value: [1]}}}", "matrix: {kind: mapping, values: []}", "matrix: {kind: grid, concurrency: 0, params: {x: {kind: choice, value: [1]}}}",
			"matrix: {kind: grid, params: {x: {kind: choice, value: [1]}}, earlyStopping: [{kind: metric_early_stopping, metric: loss, value: 0.1, optimization: minimize, policy: {kind: median, evaluationInterval: 2}}, {kind: failure_early_stopping, percent: 50}]}",
			"joins: [{query: 'status: succeeded', sort: '-created_at', limit: 5, params: {x: {value: outputs.loss}}}]", "joins: [{query: q, params: {l: {value: outputs.loss}}}]", "joins: [{params: {x: {value: a}}}]", "joins: [{query: q, params: {m: {value: outputs.a, contextOnly: true}}}]",
			"events: [{kinds: [run_status_succeeded], ref: ops.A}]", "events: [{kinds: [nothing], ref: ops.A}]", "events: [{ref: a}]", "dependencies: [a, b]", "dependencies: a", "trigger: all_succeeded", "trigger: sometimes", "conditions: '{{ x == 1 }}'", "conditions: 'true'", "conditions: 3",
			"skipOnUpstreamSkip: true", "mount: ['a:b', c]", "mount: [{from: a, to: b}]", "template: {enabled: true, description: d, fields: [a]}", "strictParams: true", "build: {hubRef: kaniko, connection: c, params: {x: {value: 1}}}",
			"run_patch: {container: {image: patched}}", "is_approved: false", "isPreset: true", "patchStrategy: pre_merge", "patchStrategy: sideways", "hubRef: a", "runPatch: {container: {image: patched, args: [p]}}", "runPatch: {bogus: 1}", "runPatch: {connections: [repo], container: {resources: {limits: {memory: 2Gi}}}}", "runPatch: {}", "runPatch: {kind: service, ports: [1]}", "params: {x: 5}", "params: {x: {value: '{{ 7 }}'}}", "params: {x: {value: '{{ nothing }}'}}", "params: {l: {value: '{{ 0 }}'}}", "params: {x: {value: '{{ globals.uuid }}'}}", "params: {s: {value: '{{ globals.uuid }}'}}", "params: {x: {value: '{{ l[0] }}'}}",
		},
		"input": {
			"{name: x, type: int, value: ''}", "{name: x, type: float, value: false}", "{name: x, type: dict, value: 0}", "{name: x, type: list, value: {}}", "{name: x, type: uuid, value: ''}", "{name: x, type: int, value: []}",
			"{name: x, type: int}", "{name: x, type: int, value: 3}", "{name: x, type: int, value: '3'}", "{name: x, type: int, value: abc}", "{name: x, type: int, value: 1.0}", "{name: x, type: int, value: 1.5}", "{name: x, type: int, value: '{{ globals.uuid }}'}",
			"{name: x, type: int, isOptional: true}", "{name: x, type: int, isOptional: false, value: 3}", "{name: x, type: int, value: null}", "{name: x}", "{name: x, value: 1e3}", "{name: x, value: '1e3'}", "{name: x, value: 'None'}", "{name: x, value: [1, a]}", "{name: x, value: {a: 1}}",
			"{name: x, type: float, value: 1}", "{name: x, type: float, value: nan}", "{name: x, type: bool, value: true}", "{name: x, type: bool, value: 'on'}", "{name: x, type: bool, value: 2}", "{name: x, type: bool, value: true, isFlag: true}", "{name: x, type: bool, value: false, isFlag: true}", "{name: x, type: int, isFlag: true}",
			"{name: x, type: str, value: text}", "{name: x, type: str, value: 3}", "{name: x, type: str, value: '1e3'}", "{name: x, type: str, value: 'None'}", "{name: x, type: str, value: '{{ globals.name }}-{{ globals.uuid }}'}", "{name: x, type: str, value: [1]}", "{name: x, type: str, isList: true, value: [a, 1]}", "{name: x, type: str, isList: true, value: a}",
			"{name: x, type: int, isList: true, value: [1, 2]}", "{name: x, type: int, isList: true, value: [1, a]}", "{name: x, type: int, isList: true, value: '[1, 2]'}", "{name: x, type: path, value: /a}", "{name: x, type: path, value: 3}", "{name: x, type: dict, value: {a: 1}}", "{name: x, type: dict, value: '{\"a\": 1}'}", "{name: x, type: dict, value: a}", "{name: x, type: list, value: [1, a]}", "{name: x, type: list, value: 'a,b'}",
			"{name: x, type: uri, value: 'http://u'}", "{name: x, type: uri, value: host}", "{name: x, type: auth, value: 'u:p'}", "{name: x, type: gcs, value: 'gs://b/k'}", "{name: x, type: gcs, value: 's3://b'}", "{name: x, type: s3, value: 's3://b/k'}", "{name: x, type: wasb, value: 'wasbs://c@a.blob.core.windows.net/p'}", "{name: x, type: metric, value: 1}", "{name: x, type: metadata, value: {a: b}}",
			"{name: x, type: image, value: 'r/i:t'}", "{name: x, type: image, value: 'a b'}", "{name: x, type: git, value: {url: u, revision: r}}", "{name: x, type: git, value: text}", "{name: x, type: git, value: {nope: 1}}", "{name: x, type: dockerfile, value: {image: i, env: {A: b}, run: [a]}}", "{name: x, type: dockerfile, value: {run: [a]}}", "{name: x, type: artifacts, value: {files: [a, [b, c]], dirs: [d]}}", "{name: x, type: artifacts, value: a}",
			"{name: x, type: event, value: {name: a, kind: b}}", "{name: x, value: 99999999999999999999}", "{name: x, type: int, value: 99999999999999999999}", "{name: x, type: float, value: 99999999999999999999}", "{name: x, value: 2026-01-02}", "{name: x, value: 2026-01-02 10:00:00}", "{name: x, type: str, value: 2026-01-02}", "{name: x, type: date, value: 2026-01-02}", "{name: x, type: date, value: '2026-01-02'}", "{name: x, type: date, value: '2026-1-2'}", "{name: x, type: datetime, value: '2026-01-02'}", "{name: x, type: datetime, value: '2026-01-02T03:04:05'}", "{name: x, type: uuid, value: 12345678-1234-1234-1234-123456789012}", "{name: x, type: uuid, value: x}", "{name: x, type: dict_of_dicts, value: {a: {b: 1}}}", "{name: x, type: file, value: {content: c}}", "{name: x, type: tensorboard, value: {port: 1}}", "{name: x, type: nonsense, value: 1}", "{name: x, type: nonsense}", "{name: x, type: 'List[int]', value: [1]}",
			"{name: globals}", "{name: params, value: 1}", "{type: int}", "{name: a b, value: 1}", "{name: x, bogus: 1}", "{name: 3, value: 1}", "{name: x, description: 3}",
			"{name: x, type: int, value: 3, options: [1, 2]}", "{name: x, type: int, value: 2, options: [1, 2]}", "{name: x, type: int, value: 3, validation: {options: [1, 3]}}", "{name: x, type: int, value: 3, validation: {gt: 5}}", "{name: x, type: int, value: 7, validation: {gt: 5, le: 7, multipleOf: 7}}", "{name: x, type: float, value: 1.234, validation: {decimalPlaces: 2}}", "{name: x, type: str, value: abc, validation: {regex: 'a.*', minLength: 2, maxLength: 3}}", "{name: x, type: str, value: abc, validation: {regex: 'b.*'}}", "{name: x, type: str, value: abc, validation: {contains: b, excludes: z}}",
			"{name: x, type: int, isList: true, value: [1, 2], validation: {minItems: 2, maxItems: 2, ge: 1}}", "{name: x, type: int, isList: true, value: [1], validation: {minItems: 2}}", "{name: x, type: dict, value: {a: 1}, validation: {keys: [a]}}", "{name: x, type: dict, value: {a: 1}, validation: {containsKeys: [b]}}", "{name: x, type: int, value: 1, delayValidation: true}", "{name: x, type: int, delayValidation: true}", "{name: x, type: int, validation: {delay: true}}", "{name: x, type: int, value: 1, validation: {bogus: 1}}",
			"{name: x, type: int, value: 1, toEnv: X, argFormat: '{{ x }}!'}", "{name: x, type: str, value: s, argFormat: '--x {{ x }}'}", "{name: x, type: git, value: {url: u}, toInit: true}", "{name: x, type: git, value: {url: u}, toInit: true, connection: repo}", "{name: x, type: artifacts, value: {files: [a]}, toInit: true}", "{name: x, type: dockerfile, value: {image: i}, toInit: true}", "{name: x, type: str, value: a, toInit: true}", "{name: x, type: str, value: a, toInit: true, connection: repo}", "{name: x, value: a, toInit: true}", "{name: x, type: path, value: a, toInit: true, connection: store}", "{name: x, type: str, value: a, connection: repo}",
		},
		"pod": {
			"environment: {labels: {a: b, n: 1, t: true}, annotations: {c: '1e3'}, nodeSelector: {x: y}}", "environment: {labels: {a: '{{ x }}', b: 'None'}}", "environment: {labels: {'2': x}}", "environment: {nodeName: n, serviceAccountName: s, hostNetwork: 'yes', hostPID: true, priority: '3', priorityClassName: p, schedulerName: d, dnsPolicy: Default, restartPolicy: Never}",
			"environment: {restartPolicy: Sometimes}", "environment: {tolerations: [{key: a, operator: Exists, effect: NoSchedule}], affinity: {nodeAffinity: {}}, securityContext: {runAsUser: 1000}, imagePullSecrets: [a], hostAliases: [{ip: 1.2.3.4, hostnames: [a]}], dnsConfig: {nameservers: [a]}}", "environment: {tolerations: [{bogus: 1}]}", "environment: {bogus: 1}", "environment: '{{ e }}'", "environment: {imagePullSecrets: a}", "environment: {tolerations: {key: a}}", "environment: {securityContext: {fsGroup: 1}}",
			"connections: [repo]", "connections: [nope]", "connections: ['{{ \"re\" + \"po\" }}']", "connections: repo", "connections: [fstore-pvc, repo]",
			"init: [{git: {url: u, revision: r}}]", "init: [{git: {revision: r}}]", "init: [{git: {revision: r}, connection: repo}]", "init: [{connection: repo, path: /p, container: {name: i, image: i, command: [a]}}]", "init: [{artifacts: {files: [a, [b, c]], dirs: [d], workers: 2}}]", "init: [{paths: [a, [b, c]]}]", "init: [{paths: a}]", "init: [{dockerfile: {image: i, env: {A: 1}, path: [p], copy: [c], run: [r], uid: '1', username: u}}]", "init: [{file: {content: c, filename: f, kind: file, chmod: '+x'}}]", "init: [{tensorboard: {port: 6006, uuids: [a], useNames: true, plugins: [p]}}]", "init: [{lineageRef: a, modelRef: b}]", "init: [{modelRef: a}]", "init: [{git: {url: u}, file: {content: c}}]", "init: [{bogus: 1}]", "init: [{container: {bogus: 1}}]", "init: {git: {url: u}}", "init: [{connection: nope}]", "init: [{container: {image: i, args: ['{{ x }}', '1e3', 'None', '{{ nothing }}']}}]",
			"sidecars: [{name: s, image: i, args: ['{{ x }}', '0x10']}]", "sidecars: [{bogus: 1}]", "sidecars: {name: s}", "volumes: [{name: v, emptyDir: {}}]", "volumes: [{name: v, persistentVolumeClaim: {claimName: c, readOnly: false}}, {name: w, secret: {secretName: s, items: [{key: a, path: b}]}}]", "volumes: [{bogus: 1}]", "volumes: [{emptyDir: {}}]", "bogus: 1",
		},
		"container": {
			"command: [python]", "args: ['--x={{ x }}', '{{ x }}']", "args: ['1e3', '0x10', '007', 'None', 'True', '[1, 2]', ' 1 ', '']", "args: ['{{ x }}', '{{ TYPO }}', '{{ globals.nope }}', 'p={{ none }}']", "args: ['{{ params.x.value }}', '{{ params.x.as_arg }}', '{{ params.x.as_str }}', '{{ params.x.type }}', '{{ params.x.connection }}']", "args: '{{ params.as_args }}'", "args: ['{{ params.as_args }}']", "args: [1, 2.5, true, null]", "args: [99999999999999999999]", "args: [2026-01-02]", "env: [{name: A, value: 2026-01-02}, {name: B, value: 2026-01-02T10:00:00Z}]", "command: ls", "args: ['{{ '']", "args: ['{{ x | nofilter }}']", "args: ['{{ x.y.z }}']", "args: ['{{ ''{{'' }}x{{ ''}}'' }}']", "args: ['{% if x %}yes{% else %}no{% endif %}']", "args: ['{% for i in range(3) %}{{ i }}{% endfor %}']", "args: ['{{ 1 / 0 }}']",
			"args: ['{{ globals.run_outputs_path }}', '{{ globals.run_artifacts_path }}', '{{ globals.store_path }}', '{{ globals.namespace }}', '{{ globals.project_unique_name }}', '{{ globals.run_info }}', '{{ globals.context_path }}']", "args: ['{{ globals.created_at }}', '{{ globals.created_at.year }}', '{{ globals.iteration }}', '{{ globals.name }}', '{{ globals.run_relative_outputs_path }}', '{{ globals.ports }}', '{{ globals.base_url }}', '{{ globals.base_urls }}']", "args: ['{{ connections }}', '{{ init }}', '{{ connections[\"repo\"].url }}', '{{ connections[\"fstore-pvc\"].mountPath }}']",
			"env: [{name: A, value: b}, {name: B, value: '1e3'}, {name: C, value: 'None'}, {name: D, value: '{{ x }}'}, {name: E, value: 'true'}, {name: F, value: 'True'}, {name: G, value: 3}]", "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]", "env: {A: b}", "envFrom: [{secretRef: {name: s}}]", "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {nvidia.com/gpu: '{{ x }}'}}", "resources: {requests: null}", "resources: '{{ r }}'", "resources: {limits: {cpu: lots}}", "image: '{{ image }}'", "image: 3", "image: '1.5'", "imagePullPolicy: Always", "workingDir: /a", "volumeMounts: [{name: v, mountPath: /m, subPath: '{{ x }}'}]", "ports: [{containerPort: 80}]", "securityContext: {runAsUser: 1, capabilities: {add: [A]}}", "bogus: 1", "name: n", "name: null", "livenessProbe: {httpGet: {path: /, port: 80}}", "imagee: x",
			"args: ['é', \"it's\", '\"q\"', 'a\\nb', \"'quoted'\"]", "args: ['{{ d }}', '{{ l }}', '{{ b }}', '{{ n }}', '{{ f }}', '{{ s }}']", "env: [{name: D, value: '{{ d }}'}, {name: L, value: '{{ l }}'}, {name: B, value: '{{ b }}'}, {name: N, value: '{{ n }}'}, {name: F, value: '{{ f }}'}, {name: S, value: '{{ s }}'}, {name: Q, value: \"'q'\"}, {name: T, value: '(1, 2)'}]", "env: [{name: A, value: '{1, 2}'}]", "env: [{name: A, value: '1+2j'}]", "env: [{name: A, value: \"b'x'\"}]", "env: [{name: A, value: '...'}]", "env: [{name: A, value: '99999999999999999999'}]", "args: ['99999999999999999999']", "env: [{name: A, value: '1e999'}, {name: B, value: '1 # c'}, {name: C, value: '\"a\" \"b\"'}, {name: D, value: '-1'}, {name: E, value: '(1)'}, {name: F, value: '1,'}, {name: G, value: '[1, 2'}, {name: H, value: '{''a'': 1}'}, {name: I, value: '1_0'}, {name: J, value: ' 1'}, {name: K, value: '0b1'}, {name: L, value: ''}]", "args: ['{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}x{% endcall %}']", "args: ['{% include \"x\" %}']", "args: ['{{ ''%s'' % x }} {{ ''%d items'' | format(x) }}']", "args: ['{{ ''a'' ''b'' }} {{ s[0] }} {{ s[-2:] }} {{ l[1] * 3 }}']", "args: ['{# c #}', '{# {{ x }} #}', 'a{#b#}c{{ x }}']", "args: [\"{{ x }}\\n\", \"{{ x }}\\r\\n{{ x }}\\n\\n\"]", "args: ['{{ x if x else \"none\" }}', '{{ x | default(3) }}', '{{ s | upper }}', '{{ l | join(\",\") }}', '{{ d | tojson }}', '{{ x | map_format(\"%05d\") }}']",
		},
		"run": {
			"kind: job", "kind: service, ports: [80, 8080]", "kind: service, ports: ['80']", "kind: service, ports: '{{ [1, 2] }}', rewritePath: true", "kind: service, isExternal: true, replicas: 2", "kind: service, rewritePath: 'yes'", "kind: notifier", "kind: tuner", "kind: cleaner", "kind: jobx", "kind: null", "kind: dask", "kind: service, replicas: '2'", "kind: watchdog", "kind: service",
		},
		"replicas": {
			"kind: tfjob, worker: {replicas: 2, POD}, chief: {container: {image: c, args: ['{{ x }}']}}, cleanPodPolicy: All", "kind: tfjob, ps: {POD}, successPolicy: AllWorkers, enableDynamicWorker: true", "kind: tfjob, bogus: {POD}", "kind: tfjob, worker: {bogus: 1}", "kind: tfjob, cleanPodPolicy: sometimes", "kind: pytorchjob, master: {POD}, worker: {replicas: 3, container: {image: w}}, nProcPerNode: 2, elasticPolicy: {minReplicas: 1, maxReplicas: 3, rdvzBackend: c10d}", "kind: mpijob, launcher: {container: {image: l}}, worker: {replicas: 2, POD}, slotsPerWorker: 1, schedulingPolicy: {minAvailable: 1, queue: q}",
			"kind: daskcluster, worker: {replicas: 2, POD}, scheduler: {container: {image: s}}, minReplicas: 1", "kind: raycluster, head: {POD}, workers: {w: {replicas: 1, container: {image: w, args: ['{{ x }}', '{{ globals.uuid }}']}}}, rayVersion: '2', entrypoint: e", "kind: mpijob, worker: {replicas: '2'}", "kind: raycluster, head: {rayStartParams: {a: b}, POD}",
		},
		"preset": {
			"{kind: operation}", "{tags: [b, c]}", "{tags: 'a, z'}", "{tags: null}", "{name: other, description: d, queue: q2}", "{termination: {timeout: 5, ttl: 7}}", "{termination: null}", "{cache: {disable: false}}", "{plugins: {shm: true, logLevel: DEBUG}}", "{params: {x: {value: 9}}}", "{params: {y: 9}}", "{runPatch: {container: {image: patched}}}", "{runPatch: {container: {args: [a, z], env: [{name: A, value: new}, {name: Z, value: z}], resources: {limits: {cpu: 2, memory: 1Gi}}}}}", "{runPatch: {environment: {labels: {a: new, z: z}, nodeSelector: {q: r}, tolerations: [{key: z}]}}}", "{runPatch: {connections: [repo], init: [{connection: repo}], volumes: [{name: v, emptyDir: {}}], sidecars: [{name: z, image: z}]}}", "{runPatch: {environment: null, container: {command: null}}}", "{runPatch: {bogus: 1}}", "{bogus: 1}", "{schedule: {kind: cron, cron: '1 1 * * *'}}", "{matrix: {kind: grid, params: {x: {kind: choice, value: [7]}}, concurrency: 4}}", "{matrix: {kind: mapping, values: [{x: 3}]}}",
			"{run: {container: {image: own}}}", "{run: {kind: job, container: {image: own, command: [c]}}}", "{run: {kind: service, ports: [1]}}", "{container: {image: short, args: [s]}, cmd: echo}", "{env: {A: short, Z: z}, resources: {cpu: 2, memory: 1..2Gi, gpu: 1}}", "{ports: [9]}", "{environment: {labels: {a: short}}, connections: [repo]}", "{hooks: [{hubRef: z}], events: [{kinds: [run_status_done], ref: ops.Z}], dependencies: [z], joins: [{query: z, params: {x: {value: outputs.z}}}]}", "{isApproved: true, cost: 9, conditions: z, trigger: all_done, skipOnUpstreamSkip: false, presets: [z], namespace: polyaxon}", "{kind: operation, version: 1.1, component: {run: {kind: job}}}", "{mount: [z]}", "{strictParams: true}",
			"{runPatch: {container: {securityContext: {runAsGroup: 5, capabilities: {add: [B], drop: [C]}}, volumeMounts: [{name: z, mountPath: /z}], ports: [{containerPort: 1}], envFrom: [{secretRef: {name: z}}]}}}", "{build: {hubRef: z}}", "{template: {enabled: false}}",
		},
		"shortcut": {
			"{container: {image: b}, cmd: echo}", "{container: {image: b}, cmd: [a, b]}", "{container: {image: b}, cmd: ''}", "{container: {image: b}, cmd: []}", "{container: {image: b}, env: {A: b, C: d}}", "{container: {image: b}, env: {A: 1}}", "{container: {image: b}, env: [a]}", "{container: {image: b}, resources: {cpu: 1, memory: 1Gi, gpu: 2}}", "{container: {image: b}, resources: {cpu: 1..2, memory: ..2Gi, gpu: 1..2}}", "{container: {image: b}, resources: {cpu: 2..1}}", "{container: {image: b}, resources: {cpu: lots}}", "{container: {image: b}, resources: {gpu: 1.5}}", "{container: {image: b}, resources: {google.com/tpu: 1}}", "{container: {image: b}, resources: {nvidia.com/gpu: 1}}", "{container: {image: b}, resources: {disk: 1}}", "{container: {image: b}, resources: {cpu: -1}}", "{container: {image: b}, ports: [80]}", "{container: {image: b}, ports: ['80']}", "{cmd: echo}", "{ports: [80]}", "{container: {image: b}, environment: {labels: {a: b}}, init: [{git: {url: u}}], connections: [repo], sidecars: [{name: s, image: i}], volumes: [{name: v, emptyDir: {}}]}",
			"{run: {kind: job, container: {image: a, env: [{name: A, value: old}, {name: B, value: b}], command: [c], args: [d]}}, env: {A: new}, cmd: echo, container: {image: b}}", "{kind: operation, component: {run: {kind: job, container: {image: a, env: [{name: A, value: old}]}}}, env: {A: new}, cmd: echo}", "{kind: operation, patchStrategy: pre_merge, component: {run: {kind: job, container: {image: a, args: [z], env: [{name: A, value: old}]}}}, env: {A: new, B: b}, cmd: echo, container: {image: b, workingDir: /w}}", "{kind: operation, patchStrategy: isnull, component: {run: {kind: job, container: {image: a, env: [{name: A, value: old}]}}}, env: {A: new}, cmd: echo}", "{kind: operation, patchStrategy: replace, component: {run: {kind: job, container: {image: a, env: [{name: A, value: old}]}}}, env: {A: new}, cmd: echo}", "{kind: operation, component: {run: {kind: tfjob, worker: {container: {image: a}}}}, env: {A: new}, cmd: echo, resources: {gpu: 1}}", "{kind: operation, run: {kind: job, container: {image: own}}, component: {run: {kind: job, container: {image: a, args: [b]}}}}", "{kind: operation, run: {container: {image: own}}, component: {run: {kind: job, container: {image: a, args: [b]}}}}", "{kind: operation, run: {container: {image: own}}}", "{kind: component, container: {image: c}}", "{container: {imagee: b}}", "{}", "{kind: operation, runPatch: {container: {image: p}}, container: {image: c}}", "{container: '{{ c }}'}", "{container: {image: b}, inputs: [{name: x, value: 1}], params: {x: 2}}",
		},
		// These are known to differ.
		"odd": {
			"args: ['{{ 10 ** 30 }}']", "args: ['{{ d.items }}']", "args: ['{{ {''class'': ''a''} | xmlattr }}']", "args: ['{{ s | urlize }}']", "args: ['{{ [1, 2] | random }}']", "args: ['{% autoescape true %}{{ s }}{% endautoescape %}']", "args: ['{{ lipsum() }}']", "args: ['{{ [3, 1] | map(\"string\") }}']", "args: ['{{ d.b.append(3) or d.b }}']", "args: ['{{ self }}']",
		},
		"dag": {
			"operations: [{name: a, dagRef: c}, {name: b, dagRef: c, dependencies: [a]}]", "operations: [{name: a, dagRef: nope}]", "operations: []", "{}", "operations: [{dagRef: c}]", "operations: [{name: a, dagRef: c}, {name: a, dagRef: c}]", "operations: [{name: a, dagRef: c, dependencies: [b]}, {name: b, dagRef: c, dependencies: [a]}]", "operations: [{name: a, dagRef: c, dependencies: [zzz]}]",
			"operations: [{name: a, dagRef: c}, {name: b, dagRef: d, params: {y: {ref: ops.a, value: outputs.loss}}}]", "operations: [{name: a, dagRef: c}, {name: b, dagRef: d, params: {y: {ref: ops.a, value: outputs.nope}}}]", "operations: [{name: a, dagRef: c}, {name: b, dagRef: d, params: {y: {ref: ops.zzz, value: outputs.loss}}}]", "operations: [{name: b, dagRef: d}]", "operations: [{name: b, dagRef: d, params: {y: {value: 3}}}]", "operations: [{name: b, dagRef: d, params: {y: {value: abc}}}]", "operations: [{name: b, dagRef: d, params: {y: {ref: dag, value: inputs.x}}}]", "operations: [{name: b, dagRef: d, params: {y: {ref: dag, value: inputs.zzz}}}]", "operations: [{name: b, dagRef: d, params: {y: {ref: runs.12345678123412341234123456789012, value: outputs.loss}}}]",
			"operations: [{name: a, dagRef: c}, {name: b, dagRef: d, params: {y: {ref: ops.a, value: outputs.name}}}]", "operations: [{name: a, dagRef: c}, {name: b, dagRef: d, params: {y: {ref: ops.a, value: globals.uuid}}}]", "operations: [{name: a, dagRef: c}, {name: b, dagRef: c, params: {z: {ref: ops.a, value: outputs}}}]", "operations: [{name: a, dagRef: c}, {name: b, dagRef: c, params: {z: {ref: ops.a, value: artifacts.any}}}]",
			"operations: [{name: a, component: {run: {kind: job, container: {image: a}}}, events: [{kinds: [run_status_succeeded], ref: ops.b}]}, {name: b, dagRef: c, trigger: all_done, conditions: '{{ x }}', skipOnUpstreamSkip: true}], concurrency: 2, earlyStopping: [{kind: failure_early_stopping, percent: 50}]", "operations: [{name: a, dagRef: c, schedule: {kind: interval, frequency: 5}}]", "operations: [{name: a, dagRef: c, matrix: {kind: grid, params: {y: {kind: choice, value: [1]}}}}]", "operations: [{name: b, dagRef: d, matrix: {kind: grid, params: {y: {kind: choice, value: [1]}}}}]", "operations: [{name: a, hubRef: x}]", "operations: [{name: a}]", "operations: [{name: a, bogus: 1}]", "operations: [{name: a, dagRef: c, runPatch: {container: {image: p}}}]", "operations: [{name: a, dagRef: c, runPatch: {bogus: 1}}]", "operations: [{name: a, run: {kind: job, container: {image: own}}}]", "operations: [{name: a, container: {image: own}, cmd: echo}]", "operations: [{name: a, dagRef: c, name: null}]", "operations: '{{ ops }}'", "operations: [{name: b, dagRef: d, joins: [{query: q, params: {y: {value: outputs.loss}}}]}]", "concurrency: 0, operations: [{name: a, dagRef: c}]", "operations: [{name: a, dagRef: c, params: {undeclared: 3}}], connections: [repo], environment: {labels: {a: b}}, volumes: [{name: v, emptyDir: {}}]", "operations: [{name: a, dagRef: c}], connections: [nope]", "operations: [{name: a, dagRef: c, tags: null, isApproved: false}]",
		},
		"param": {
			"x: {value: 7}", "x: 7", "x: {value: '7'}", "x: {value: abc}", "x: null", "x: {}", "x: {ref: ops.A, value: outputs.loss}", "x: {ref: runs.12345678123412341234123456789012, value: outputs.loss}", "x: {ref: runs.nope, value: outputs.loss}", "x: {ref: dag, value: inputs.y}", "x: {ref: nowhere.a, value: outputs.b}", "x: {ref: ops.A, value: 3}", "x: {ref: ops.A, value: a.b.c.d}", "x: {ref: ops.A, value: artifacts.a.b}", "x: {value: '{{ globals.uuid }}'}", "x: {value: '{{ 1 + 1 }}'}", "y: 3", "y: {value: 3, contextOnly: true}", "y: {value: 3, contextOnly: false}", "x: {value: 7, toEnv: Y}", "x: {value: 7, connection: repo, toInit: true}", "x: {value: 7, bogus: 1}", "x: {a: 1}", "y: {value: a, toInit: true}", "y: '{{ x }}'", "x: [1, 2]", "x: true", "x: 1.5", "x: ''",
		},
	}
}

// base are the inputs that the parts use.
const base = `[{name: x, type: int, value: 3}, {name: none, isOptional: true}, {name: d, type: dict, value: {a: 1, b: [2, null]}}, {name: l, type: list, value: [1, a]}, {name: b, type: bool, value: true}, {name: n, type: str, isOptional: true}, {name: f, type: bool, isFlag: true, value: true}, {name: s, type: str, value: text}, {name: image, value: 'r/i:t'}]`

// fileOf builds a Polyaxonfile from parts.
func fileOf(operation, inputs, run, pod, container string) string {
	if container != "" {
		container = ", " + container
	}
	if !strings.Contains(container, "image:") {
		container = ", image: a" + container
	}
	body := strings.Join(nonEmpty(pod, "container: {"+strings.TrimPrefix(container, ", ")+"}"), ", ")
	if strings.Contains(run, "POD") {
		run = strings.ReplaceAll(run, "POD", body)
	} else {
		run += ", " + body
	}
	return "{" + strings.Join(nonEmpty("kind: operation", operation, fmt.Sprintf("component: {inputs: %s, run: {%s}}", inputs, run)), ", ") + "}\n"
}

func nonEmpty(texts ...string) []string {
	var kept []string
	for _, text := range texts {
		if text != "" {
			kept = append(kept, text)
		}
	}
	return kept
}

// questions returns Polyaxonfiles: one for each part alone, and random combinations of
// many parts that are the same every time.
func questions() []question {
	p := parts()
	var all []question
	add := func(name string, files ...string) { all = append(all, question{Name: name, Files: files}) }
	for _, x := range p["operation"] {
		add("operation/"+x, fileOf(x, base, "kind: job", "", "args: ['{{ x }}']"))
	}
	for _, x := range p["input"] {
		add("input/"+x, fileOf("", "["+x+"]", "kind: job", "", "args: ['{{ x }}', '{{ params.x.as_arg }}'], env: [{name: A, value: '{{ x }}'}]"))
		add("output/"+x, "{kind: component, outputs: ["+x+"], run: {kind: job, container: {image: a, args: ['{{ x }}']}}}\n")
	}
	for _, x := range p["pod"] {
		add("pod/"+x, fileOf("", base, "kind: job", x, "args: ['{{ connections }}', '{{ init }}']"))
		add("replica/"+x, fileOf("", base, "kind: tfjob, worker: {POD}", x, "args: ['{{ connections }}', '{{ x }}']"))
	}
	for _, x := range p["container"] {
		add("container/"+x, fileOf("", base, "kind: job", "connections: [fstore-pvc, repo]", x))
		add("service/"+x, fileOf("", base, "kind: service, ports: [80]", "", x))
	}
	for _, x := range p["odd"] {
		add("odd/"+x, fileOf("", base, "kind: job", "", x))
	}
	for _, x := range append(p["run"], p["replicas"]...) {
		add("run/"+x, fileOf("", base, x, "", "args: ['{{ x }}', '{{ globals.base_url }}', '{{ globals.ports }}', '{{ globals.uuid }}', '1e3']"))
	}
	for _, x := range p["shortcut"] {
		add("shortcut/"+x, x+"\n")
	}
	for _, x := range p["param"] {
		add("param/"+x, fileOf("params: {"+x+"}", "[{name: x, type: int}]", "kind: job", "", "args: ['{{ x }}', '{{ y }}', '{{ params.y.as_arg }}']"))
		add("param-any/"+x, fileOf("params: {"+x+"}", "[{name: x}]", "kind: job", "", "args: ['{{ x }}', '{{ y }}'], env: [{name: A, value: '{{ x }}'}]"))
	}
	for _, x := range p["dag"] {
		if x == "{}" {
			x = "concurrency: 1"
		}
		add("dag/"+x, "{kind: component, inputs: [{name: x, value: 1, type: float}], run: {kind: dag, "+x+", components: [{name: c, outputs: [{name: loss, type: float}, {name: name, type: str}], run: {kind: job, container: {image: a}}}, {name: d, inputs: [{name: y, type: float}], run: {kind: job, container: {image: a, args: ['{{ y }}']}}}]}}\n")
	}
	whole := fileOf("name: op, tags: [a, b], termination: {timeout: 1, maxRetries: 2}, cache: {disable: true}, plugins: {shm: false}, hooks: [{hubRef: a}], params: {x: {value: 4}}, runPatch: {container: {workingDir: /w}}", base, "kind: job",
		"environment: {labels: {a: b}, tolerations: [{key: a}]}, connections: [fstore-pvc], volumes: [{name: w, emptyDir: {}}], sidecars: [{name: s, image: s}]",
		"command: [python], args: [a, b], env: [{name: A, value: old}], resources: {limits: {cpu: 1}, requests: {cpu: 1}}, securityContext: {runAsUser: 1, capabilities: {add: [A]}}, ports: [{containerPort: 80}]")
	for _, x := range p["preset"] {
		for _, strategy := range []string{"", "post_merge", "pre_merge", "replace", "isnull"} {
			preset := x
			if strategy != "" {
				preset = strings.TrimSuffix(x, "}")
				if preset != "{" {
					preset += ", "
				}
				preset += "patchStrategy: " + strategy + "}"
			}
			add("preset/"+preset, whole, preset+"\n")
			if strategy != "replace" {
				continue
			}
			add("preset-matrix/"+preset, fileOf("matrix: {kind: grid, params: {x: {kind: choice, value: [1]}}}, schedule: {kind: interval, frequency: 5}", base, "kind: job", "", ""), preset+"\n")
		}
	}
	return append(all, randomQuestions(p, 150)...)
}

func randomQuestions(p map[string][]string, n int) []question {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	pick := func(place string, most int) string {
		var chosen []string
		seen := map[string]bool{}
		for range r.IntN(most + 1) {
			x := p[place][r.IntN(len(p[place]))]
			key, _, _ := strings.Cut(x, ":")
			if !seen[key] && !strings.Contains(x, "bogus") && key != "kind" {
				seen[key] = true
				chosen = append(chosen, x)
			}
		}
		return strings.Join(chosen, ", ")
	}
	var all []question
	for i := range n {
		run := p["run"][r.IntN(5)]
		if r.IntN(4) == 0 {
			run = p["replicas"][r.IntN(len(p["replicas"]))]
		}
		inputs := base
		if r.IntN(3) == 0 {
			input := p["input"][r.IntN(len(p["input"]))]
			if strings.Contains(input, "{image: i, env") || strings.Contains(input, "{files: [a, [b") || strings.Contains(input, "{url: u, rev") || strings.Contains(input, "{name: a, kind") || strings.Contains(input, "10:00:00") {
				input = "{name: x, value: 1}" // it is known to differ
			}
			inputs = "[" + input + ", {name: d, value: {a: 1}}, {name: s, value: 1}]"
		}
		q := question{Name: fmt.Sprintf("random/%d", i), Files: []string{fileOf(pick("operation", 3), inputs, run, pick("pod", 2), pick("container", 3))}}
		for range r.IntN(3) {
			q.Files = append(q.Files, p["preset"][r.IntN(len(p["preset"]))]+"\n")
		}
		if r.IntN(2) == 0 {
			q.Params = map[string]string{"x": []string{"7", "abc", "1e3", "{{ globals.uuid }}", "[1, 2]", ""}[r.IntN(6)]}
		}
		if r.IntN(5) == 0 {
			strict := r.IntN(2) == 0
			q.Strict = &strict
		}
		all = append(all, q)
	}
	return all
}
