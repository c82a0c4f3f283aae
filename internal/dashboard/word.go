package dashboard

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// The words that are not the names of services.
const (
	polyaxonWord = "polyaxon"
	mlflowWord   = "mlflow"
	// kubernetesPrefix begins the words for Services of Kubernetes: svc/NAME or
	// svc/NAME:PORT. longPrefix does so, too: kubectl get -o name prints it.
	kubernetesPrefix, longPrefix = "svc/", "service/"
)

// kind says what a word names.
type kind int

const (
	polyaxonKind kind = iota
	mlflowKind
	serviceKind    // a service of slipway.yaml
	kubernetesKind // a Service of Kubernetes
)

// target is what a word of the command line names.
type target struct {
	kind kind
	word string
	// name is the name of the service, and port the name or number of the port of a Service of
	// Kubernetes, or "" for its first one.
	name, port string
}

// targets returns what words name: Polyaxon if there are none. A service of slipway.yaml
// comes before other things with its name. The error is an *exit.UsageError.
func targets(p *project.Project, words []string) ([]target, error) {
	if len(words) == 0 {
		words = []string{polyaxonWord}
	}
	var all []target
	for n, word := range words {
		if slices.Contains(words[:n], word) {
			return nil, exit.Usagef("%s is named twice", word)
		}
		one, err := targetOf(p, word)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func targetOf(p *project.Project, word string) (target, error) {
	rest, isKubernetes := strings.CutPrefix(word, kubernetesPrefix)
	if !isKubernetes {
		rest, isKubernetes = strings.CutPrefix(word, longPrefix)
	}
	switch {
	case p.Config.Services[word] != nil:
		return target{kind: serviceKind, word: word, name: word}, nil
	case word == polyaxonWord:
		return target{kind: polyaxonKind, word: word}, nil
	case word == mlflowWord && p.Config.MLflow.Service() != "":
		return target{kind: serviceKind, word: word, name: p.Config.MLflow.Service()}, nil
	case word == mlflowWord:
		return target{kind: mlflowKind, word: word}, nil
	case isKubernetes:
		name, port, hasPort := strings.Cut(rest, ":")
		if name == "" || strings.Contains(name, "/") || hasPort && port == "" {
			return target{}, exit.Usagef("%s is not valid: write svc/NAME or svc/NAME:PORT", word)
		}
		return target{kind: kubernetesKind, word: word, name: name, port: port}, nil
	case p.Config.Jobs[word] != nil:
		return target{}, exit.Usagef("%s is a job, and has no page: slipway dashboard opens services", word)
	}
	known := []string{polyaxonWord, mlflowWord}
	for _, s := range p.Services() {
		known = append(known, s.Name)
	}
	if near, ok := source.Nearest(word, known); ok {
		return target{}, exit.Usagef("%s not found (did you mean %s?)", word, near)
	}
	return target{}, exit.Usagef("%s not found: it is none of %s; svc/%s names a Service of Kubernetes", word, strings.Join(known, ", "), word)
}
