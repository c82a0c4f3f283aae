package project

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
)

// Jobs returns the jobs of slipway.yaml, sorted by name.
func (p *Project) Jobs() []*config.Job { return byName(p.Config.Jobs) }

// Services returns the services of slipway.yaml, sorted by name.
func (p *Project) Services() []*config.Job { return byName(p.Config.Services) }

// SecretList returns the secrets of slipway.yaml, sorted by name.
func (p *Project) SecretList() []*config.Secret { return byName(p.Config.Secrets) }

// Job returns the job or service with this name, or nil if there is none.
func (p *Project) Job(name string) *config.Job {
	if j := p.Config.Jobs[name]; j != nil {
		return j
	}
	return p.Config.Services[name]
}

// Images returns the images with these names, or all images if names is empty, and the images
// that they are built on, each after its base. The error for a name that slipway.yaml does not
// have is an *exit.UsageError.
func (p *Project) Images(names []string) ([]*config.Image, error) {
	if len(names) == 0 {
		return p.Config.WithBases(byName(p.Config.Images)), nil
	}
	var images []*config.Image
	for _, name := range names {
		i, ok := p.Config.Images[name]
		if !ok {
			return nil, UnknownName("image", name, slices.Sorted(maps.Keys(p.Config.Images)))
		}
		images = append(images, i)
	}
	return p.Config.WithBases(images), nil
}

// ImagesOf returns the images that jobs use and those that they are built on, each after its
// base.
func (p *Project) ImagesOf(jobs []*config.Job) []*config.Image {
	used := map[string]*config.Image{}
	for _, j := range jobs {
		if j.Image != "" {
			used[j.Image] = p.Config.Images[j.Image]
		}
	}
	return p.Config.WithBases(byName(used))
}

// Section returns the section of slipway.yaml that contains a job: "services" or "jobs".
func Section(j *config.Job) string {
	if j.Service {
		return "services"
	}
	return "jobs"
}

// byName returns the values of m, sorted by their keys.
func byName[T any](m map[string]T) []T {
	list := make([]T, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}
