package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// DataSet is a directory or a part of a bucket that deploy copies before the jobs that need it.
type DataSet struct {
	Name string

	From    string   `yaml:"from" doc:"Directory of the repository, or an address such as gs://BUCKET/DIR" required:"yes"`
	To      string   `yaml:"to" doc:"Where the files go: volume:/DIR, which jobs find at /polyaxon-v1-data/DIR, or gs://BUCKET/DIR" required:"yes"`
	Delete  bool     `yaml:"delete" doc:"Delete what to has and from has not"`
	Exclude []string `yaml:"exclude" doc:"Patterns of .dockerignore; what matches is neither copied nor deleted"`
}

// DataOf returns the data sets that any of the jobs needs, by name: those that a job names or, if it names
// none, all. A service needs only what it names.
func (c *Config) DataOf(jobs ...*Job) []*DataSet {
	var all []*DataSet
	for _, name := range keys(c.Data) {
		if slices.ContainsFunc(jobs, func(j *Job) bool { return slices.Contains(j.Data, name) || j.Data == nil && !j.Service }) {
			all = append(all, c.Data[name])
		}
	}
	return all
}

// validateData checks the addresses of the data sets, and that none is written into another.
func (c *Config) validateData(fail func(string, []string, string, ...any)) {
	names := keys(c.Data)
	for n, name := range names {
		s, at := c.Data[name], []string{"data", name}
		from, to := append(at[:2:2], "from"), append(at[:2:2], "to")
		origin, err := transfer.ParsePlace(s.From, func(dir string) string { return dir })
		switch {
		case err != nil:
			fail("", from, "data.%s.from: %v", name, err)
		case origin.InVolume:
			fail("copy it with `slipway data sync`", from, "data.%s.from: %q is in the volume", name, s.From)
		case !strings.HasPrefix(s.From, "gs://") && !isInsideRepository(s.From):
			fail("", from, "data.%s.from: %q is not %s", name, s.From, forms["path"].description)
		}
		target, err := transfer.ParsePlace(s.To, func(dir string) string { return dir })
		switch {
		case err != nil:
			fail("", to, "data.%s.to: %v", name, err)
			continue
		case !target.Remote() && !target.InVolume:
			fail("write volume:/DIR or gs://BUCKET/DIR", to, "data.%s.to: %q is a path of this machine", name, s.To)
			continue
		case target.Overlaps(origin):
			fail("", to, "data.%s writes into its own source %s", name, s.From)
		}
		for before, other := range names {
			switch {
			case before < n && target.Overlaps(addressOf(c.Data[other].To)):
				fail("give each a directory of its own", to, "data.%s and data.%s write into one another: %s and %s", name, other, s.To, c.Data[other].To)
			case other != name && target.Overlaps(addressOf(c.Data[other].From)):
				fail("read it from where that comes from", append(append([]string{}, "data", other), "from"), "data.%s reads what data.%s writes: %s", other, name, s.To)
			}
		}
	}
	for section, jobs := range map[string]map[string]*Job{"jobs": c.Jobs, "services": c.Services} {
		for _, j := range keys(jobs) {
			for n, name := range jobs[j].Data {
				if c.Data[name] == nil {
					fail(suggest(name, names), []string{section, j, "data", fmt.Sprint(n)}, "data %s not found", name)
				}
			}
		}
	}
}

// addressOf reads an address, or returns no place for one that is reported elsewhere.
func addressOf(text string) transfer.Place {
	p, err := transfer.ParsePlace(text, func(dir string) string { return dir })
	if err != nil {
		return transfer.Place{}
	}
	return p
}
