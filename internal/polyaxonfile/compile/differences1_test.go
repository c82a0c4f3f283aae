package compile

// differences1 returns all known differences from Polyaxon 1.11.3.
func differences1() []difference {
	return []difference{
		{
			What: "A template that prints a whole mapping has its keys in alphabetical order, and a connection's schema is a mapping.",
			Why: "As with 2.18. Of a connection's schema 1.11.3 prints Python's own form, `OrderedDict([('url', 'https://git/x')])`, which " +
				"nothing can read again.",
			Questions: []string{
				"input/{name: x, type: git, value: {url: u, revision: r}}", "output/{name: x, type: git, value: {url: u, revision: r}}",
				"output/{name: x, type: dockerfile, value: {image: i, env: {A: b}, run: [a]}}", "output/{name: x, type: artifacts, value: {files: [a, [b, c]], dirs: [d]}}",
				"output/{name: x, type: event, value: {name: a, kind: b}}", "input/{name: x, type: dockerfile, value: {image: i, env: {A: b}, run: [a]}}",
				"input/{name: x, type: artifacts, value: {files: [a, [b, c]], dirs: [d]}}", "input/{name: x, type: event, value: {name: a, kind: b}}",
				"pod/connections: [repo]", "replica/connections: [repo]", `pod/connections: ['{{ "re" + "po" }}']`, `replica/connections: ['{{ "re" + "po" }}']`,
				"pod/connections: [fstore-pvc, repo]", "replica/connections: [fstore-pvc, repo]", "pod/init: [{git: {revision: r}, connection: repo}]",
				"pod/init: [{connection: repo, path: /p, container: {name: i, image: i, command: [a]}}]", "pod/init: [{artifacts: {files: [a, [b, c]], dirs: [d], workers: 2}}]",
				"container/args: ['{{ connections }}', '{{ init }}', '{{ connections[\"repo\"].url }}', '{{ connections[\"fstore-pvc\"].mountPath }}']",
			},
		},
		{
			What: "A whole number must fit into 64 bits.",
			Why:  "1.11.3 accepts longer ones; Kubernetes and 2.18 do not.",
			Questions: []string{
				"input/{name: x, value: 99999999999999999999}", "output/{name: x, value: 99999999999999999999}",
				"input/{name: x, type: int, value: 99999999999999999999}", "output/{name: x, type: int, value: 99999999999999999999}",
				"input/{name: x, type: float, value: 99999999999999999999}", "output/{name: x, type: float, value: 99999999999999999999}",
				"container/args: [99999999999999999999]", "service/args: [99999999999999999999]",
				"container/env: [{name: A, value: '99999999999999999999'}]", "service/env: [{name: A, value: '99999999999999999999'}]",
				"container/args: ['99999999999999999999']", "service/args: ['99999999999999999999']", "odd/args: ['{{ 10 ** 30 }}']",
			},
		},
		{
			What: "Python's objects, random results and HTML are not supported in templates.",
			Why:  "As with 2.18, for the same reasons.",
			Questions: []string{
				"odd/args: ['{{ d.items }}']", "odd/args: ['{{ {''class'': ''a''} | xmlattr }}']", "odd/args: ['{{ s | urlize }}']", "odd/args: ['{{ [1, 2] | random }}']",
				"odd/args: ['{% autoescape true %}{{ s }}{% endautoescape %}']", "odd/args: ['{{ lipsum() }}']", "odd/args: ['{{ [3, 1] | map(\"string\") }}']",
				"odd/args: ['{{ d.b.append(3) or d.b }}']", "odd/args: ['{{ self }}']",
			},
		},
		{
			What: "A dag is checked by the rules of 2.18.",
			Why:  "1.11.3's library leaves these checks of a dag's operations and connections to a scheduler, which the community edition does not have. It refuses a run of a dag in any case.",
			Questions: []string{
				"dag/operations: [{name: a, dagRef: c, schedule: {kind: interval, frequency: 5}}]", "dag/operations: [{name: a, dagRef: c, runPatch: {bogus: 1}}]",
				"dag/operations: [{name: a, dagRef: c}], connections: [nope]",
			},
		},
		{
			What: "For some mistakes slipway reports another error than 1.11.3, which may report one of Python.",
			Why: "As with 2.18. 1.11.3 looks at the keys of an object first and at what they must be together another time, tells of a dag whose operation has no name as one that " +
				"is not acyclic, and tells each key of a param in its short form, which it does not have. That a patch cannot make a job a service says why its ports are refused.",
			Questions: []string{
				"operation/runPatch: {kind: service, ports: [1]}", "shortcut/{kind: operation, run: {container: {image: own}}}", "param/x: {a: 1}", "param-any/x: {a: 1}",
				"dag/concurrency: 1", "dag/operations: [{dagRef: c}]", "dag/operations: [{name: a, bogus: 1}]", "dag/operations: [{name: a, run: {kind: job, container: {image: own}}}]",
				"dag/operations: [{name: a, container: {image: own}, cmd: echo}]", "dag/operations: [{name: a, dagRef: c, name: null}]",
			},
		},
	}
}
