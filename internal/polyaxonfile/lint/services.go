package lint

import (
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func serviceRules() []Rule {
	return []Rule{
		{Name: "several-ports", Severity: file.SeverityError, Stage: file.StageRun, check: severalPorts, versions: before2,
			Summary: "A service with several ports, on Polyaxon 1.11",
			Help:    "Polyaxon 1.11 exposes every port of a service as port 80, and Kubernetes refuses a Service with the same port twice. Keep one port, or upgrade to 2.x, which exposes each under its own number."},
		{Name: "service-without-ports", Severity: file.SeverityWarning, Stage: file.StageRun, check: serviceWithoutPorts,
			Summary: "A service without ports",
			Help:    "Nothing can reach the service: Polyaxon sends requests to the first of `ports`. Name the port that the program listens on, or make it a job."},
		{Name: "port-mismatch", Severity: file.SeverityWarning, Stage: file.StageRun, check: portMismatch,
			Summary: "The program listens on another port than the service's",
			Help:    "`ports` of a service set the port that Polyaxon sends requests to; the container's `ports`, or `--port` among its arguments, set another. The service starts, and its address answers 502."},
	}
}

// ports returns those of a service's ports that are numbers.
func (u unit) ports() []int {
	var all []int
	for _, element := range list(u.run["ports"]) {
		if n, ok := element.(int); ok {
			all = append(all, n)
		}
	}
	return all
}

func severalPorts(p *pass) {
	if ports := list(p.run["ports"]); p.run["kind"] == "service" && len(ports) > 1 {
		p.value(extend(p.runPath, "ports", "1"), "keep one port", "Polyaxon %s cannot serve several ports: each is exposed as port 80", p.version)
	}
}

func serviceWithoutPorts(p *pass) {
	if ports, given := p.run["ports"]; p.run["kind"] == "service" && (!given || ports == nil || len(list(ports)) == 0 && text(ports) == "") {
		p.value(extend(p.runPath, "kind"), "add ports: [8000], the one that the program listens on", "nothing can reach the service: it has no ports")
	}
}

var portFlag = lazyregexp.New(`^--?(?:[a-z]+[._-])*port(?:=(\d+))?$`)

func portMismatch(p *pass) {
	ports := p.ports()
	if p.run["kind"] != "service" || len(ports) == 0 {
		return
	}
	among := func(n int) bool {
		for _, port := range ports {
			if port == n {
				return true
			}
		}
		return false
	}
	main := mapping(p.run["container"])
	path := extend(p.runPath, "container")
	for i, element := range list(main["ports"]) {
		if n, ok := mapping(element)["containerPort"].(int); ok && !among(n) {
			p.value(extend(path, "ports", itoa(i), "containerPort"), "make them the same", "the container listens on port %d, but requests go to %s", n, joined(ports))
			return
		}
	}
	words, paths := container{main, path, "main"}.line()
	for i, word := range words {
		m := portFlag.FindStringSubmatch(word)
		if m == nil {
			continue
		}
		number, at := m[1], paths[i]
		if number == "" && i+1 < len(words) {
			number, at = words[i+1], paths[i+1]
		}
		if n, err := strconv.Atoi(number); err == nil && !among(n) {
			p.value(at, "make them the same", "the program listens on port %d, but requests go to %s", n, joined(ports))
		}
		return
	}
}

func joined(ports []int) string {
	var texts []string
	for _, n := range ports {
		texts = append(texts, strconv.Itoa(n))
	}
	return strings.Join(texts, ", ")
}
