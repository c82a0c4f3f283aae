package config

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// validate gives what is wrong between the parts of a configuration whose parts
// are right each for itself.
func (c *Config) validate() []*source.Error {
	var errs []*source.Error
	fail := func(hint string, path []string, format string, args ...any) {
		errs = append(errs, &source.Error{Position: c.At(path...), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	if k := c.Cluster; k != nil && (k.GKE == nil) == (k.Kubeconfig == nil) {
		fail("", []string{"cluster"}, "cluster needs exactly one of gke and kubeconfig")
	}
	if v := c.Volume; v != nil && (v.Connection == "") == (v.Claim == "") {
		fail("", []string{"volume"}, "volume needs exactly one of connection and claim")
	}
	for _, name := range keys(c.Images) {
		i, at := c.Images[name], []string{"images", name}
		switch {
		case i.Go == nil && i.Python == nil && i.Dockerfile == "" && len(i.Files) == 0:
			fail("", at, "image %s needs one of go, python, dockerfile and files", name)
		case count(i.Go != nil, i.Python != nil, i.Dockerfile != "") > 1:
			fail("", at, "image %s has more than one of go, python and dockerfile", name)
		case i.Base != "" && i.Kind() != "files":
			fail("", append(at, "base"), "base of image %s belongs under %s", name, i.Kind())
		case i.Dockerfile == "" && (len(i.BuildArgs) > 0 || len(i.BuildSecrets) > 0 || i.SSH || i.Git || i.Target != ""):
			fail("", at, "image %s has build-args, build-secrets, ssh or target without a dockerfile", name)
		}
	}
	for _, name := range keys(c.Secrets) {
		if s := c.Secrets[name]; (len(s.Data) > 0) == (s.DockerRegistry != nil) {
			fail("", []string{"secrets", name}, "secret %s needs exactly one of data and docker-registry", name)
		}
	}
	for _, name := range keys(c.Jobs) {
		if c.Services[name] != nil {
			fail("", []string{"services", name}, "%s is a job already", name)
		}
		c.validateJob(c.Jobs[name], []string{"jobs", name}, fail)
	}
	for _, name := range keys(c.Services) {
		c.validateJob(c.Services[name], []string{"services", name}, fail)
	}
	if len(errs) == 0 {
		if cycle := c.cycle(); cycle != nil {
			fail("", []string{"jobs", cycle[0], "after"}, "jobs wait for each other: %s", strings.Join(cycle, " -> "))
		}
	}
	return errs
}

func (c *Config) validateJob(j *Job, at []string, fail func(string, []string, string, ...any)) {
	if (j.Polyaxonfile != "") == (j.Component != "") {
		fail("", at, "%s needs exactly one of polyaxonfile and component", strings.Join(at, "."))
	}
	if j.Image != "" && c.Images[j.Image] == nil {
		fail(suggest(j.Image, keys(c.Images)), append(at, "image"), "there is no image %s", j.Image)
	}
	for _, name := range keys(j.Params) {
		if from, isSecret := SecretParam(j.Params[name]); isSecret {
			if _, err := secret.ParseSource(from); err != nil {
				// What stands there is not shown: it may be the secret itself.
				fail("write secret:env:NAME or secret:file:PATH", append(slices.Clone(at), "params", name), "params.%s of %s begins with secret: and names no secret source", name, j.Name)
			}
		}
	}
	c.validateReferences(j, at, fail)
	referred := map[string]bool{}
	for _, r := range j.References() {
		referred[r.Job] = true
	}
	seen := map[string]bool{}
	for n, before := range j.After {
		path := append(append([]string{}, at...), "after", fmt.Sprint(n))
		switch {
		case c.Jobs[before] == nil && referred[before]: // told at the param
		case c.Jobs[before] == nil:
			fail(suggest(before, keys(c.Jobs)), path, "there is no job %s", before)
		case seen[before]:
			fail("", path, "%s stands twice in after", before)
		}
		seen[before] = true
	}
}

// SecretParam gives the secret source of a param that is a secret, as
// secret:env:TOKEN is.
func SecretParam(value any) (from string, isSecret bool) {
	text, _ := value.(string)
	return strings.CutPrefix(text, "secret:")
}

// cycle gives jobs that wait for each other, the first again at the end.
func (c *Config) cycle() []string {
	state := map[string]int{} // 1: on the way, 2: done
	var way []string
	var visit func(string) []string
	visit = func(name string) []string {
		switch state[name] {
		case 1:
			return append(slices.Clone(way[slices.Index(way, name):]), name)
		case 2:
			return nil
		}
		state[name] = 1
		way = append(way, name)
		for _, before := range c.Jobs[name].After {
			if found := visit(before); found != nil {
				return found
			}
		}
		way = way[:len(way)-1]
		state[name] = 2
		return nil
	}
	for _, name := range keys(c.Jobs) {
		if found := visit(name); found != nil {
			return found
		}
	}
	return nil
}

// JobOrder gives the jobs named, all when there are none, with all that they
// come after, in waves: a job's wave comes after those of its `after`. It fails
// for names that are not there.
func (c *Config) JobOrder(names ...string) ([][]*Job, error) {
	if len(names) == 0 {
		names = keys(c.Jobs)
	}
	if len(names) == 0 {
		return nil, &source.Error{Position: source.Position{File: c.Path}, Message: "there are no jobs", Hint: "name one under jobs"}
	}
	depth := map[string]int{}
	var visit func(string) int
	visit = func(name string) int {
		if d, ok := depth[name]; ok {
			return d
		}
		d := 0
		for _, before := range c.Jobs[name].After {
			d = max(d, visit(before)+1)
		}
		depth[name] = d
		return d
	}
	deepest := 0
	for _, name := range names {
		if c.Services[name] != nil {
			return nil, &source.Error{Message: name + " is a service, not a job", Hint: "slipway up " + name + " starts it"}
		}
		if c.Jobs[name] == nil {
			return nil, &source.Error{Message: "there is no job " + name, Hint: suggest(name, keys(c.Jobs))}
		}
		deepest = max(deepest, visit(name))
	}
	waves := make([][]*Job, deepest+1)
	for _, name := range keys(depth) {
		waves[depth[name]] = append(waves[depth[name]], c.Jobs[name])
	}
	return waves, nil
}

// suggest says which name may have been meant, or which there are.
func suggest(name string, known []string) string {
	if near, ok := source.Nearest(name, known); ok {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "there are none"
	}
	return "there are " + strings.Join(known, ", ")
}

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}
