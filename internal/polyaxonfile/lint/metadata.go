package lint

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"k8s.io/apimachinery/pkg/util/validation"
)

func metadataRules() []Rule {
	return []Rule{
		{Name: "bad-label", Severity: file.SeverityError, Stage: file.StageRun, check: badLabel,
			Summary: "A label or an annotation that Kubernetes refuses",
			Help:    "A label's value has at most 63 letters, digits, - _ and ., and begins and ends with a letter or a digit; a key may have a domain and a / before it. Write other values in annotations, which take any text."},
		{Name: "bad-kubernetes-name", Severity: file.SeverityError, Stage: file.StageRun, check: badKubernetesName,
			Summary: "A name that Kubernetes refuses",
			Help:    "Names of volumes, containers, secrets, config maps and claims are lowercase letters, digits and -, and those of environment variables have no spaces, = or leading digits."},
	}
}

func badLabel(p *pass) {
	for _, pod := range p.pods() {
		environment := mapping(pod.values["environment"])
		for _, section := range []string{"labels", "nodeSelector", "annotations"} {
			values := mapping(environment[section])
			for _, key := range sorted(values) {
				path := extend(pod.path, "environment", section, key)
				if errs := validation.IsQualifiedName(key); len(errs) > 0 && !templated(key) {
					p.key(path, "use letters, digits, - _ and .", "%q is not a valid key of %s", key, section)
				}
				value := unquoted(fmt.Sprint(values[key]))
				if errs := validation.IsValidLabelValue(value); section != "annotations" && len(errs) > 0 && !templated(value) && values[key] != nil {
					hint := "use letters, digits, - _ and ., at most 63"
					if section == "labels" {
						hint += "; or write it under annotations"
					}
					p.value(path, hint, "%q is not a valid value of a label", shortened(value))
				}
			}
		}
	}
}

func badKubernetesName(p *pass) {
	name := func(what string, value any, path []string) {
		if s, ok := value.(string); ok && s != "" && !templated(s) && len(validation.IsDNS1123Subdomain(s)) > 0 {
			p.value(path, "use lowercase letters, digits and -", "%q is not a valid name of a %s", s, what)
		}
	}
	for _, pod := range p.pods() {
		for i, element := range list(pod.values["volumes"]) {
			volume, path := mapping(element), extend(pod.path, "volumes", itoa(i))
			name("volume", volume["name"], extend(path, "name"))
			name("secret", mapping(volume["secret"])["secretName"], extend(path, "secret", "secretName"))
			name("config map", mapping(volume["configMap"])["name"], extend(path, "configMap", "name"))
			name("volume claim", mapping(volume["persistentVolumeClaim"])["claimName"], extend(path, "persistentVolumeClaim", "claimName"))
		}
	}
	for _, c := range p.containers() {
		name("container", c.values["name"], extend(c.path, "name"))
		for i, element := range list(c.values["env"]) {
			variable, path := text(mapping(element)["name"]), extend(c.path, "env", itoa(i), "name")
			if variable != "" && !templated(variable) && len(validation.IsEnvVarName(variable)) > 0 {
				p.value(path, "use letters, digits and _", "%q is not a valid name of an environment variable", variable)
			} else if strings.ContainsAny(variable, "-.") && !templated(variable) {
				continue // allowed, although no shell can read it
			}
		}
	}
}
