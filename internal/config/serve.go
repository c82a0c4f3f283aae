package config

import (
	"slices"
	"strings"
	"time"
)

// Serve says what serves the model that a job makes.
type Serve struct {
	Name string

	Model string `yaml:"model" doc:"Job whose run makes the model" required:"yes"`
	Image string `yaml:"image" doc:"Image of this file that serves it; the objects of manifests that use it, as slipway://NAME, get the run" required:"yes"`
	// Service is "" if only manifests serve the model.
	Service string `yaml:"service" doc:"Service of this file with that image, which deploy starts again for each new model; when left out, only manifests serve it"`
	// BuildArg is "" if the image does not depend on the run.
	BuildArg string `yaml:"build-arg" doc:"Build argument (ARG) of the image's Dockerfile that gets the UUID of the run; the image is then built after the jobs"`
	Path     string `yaml:"path" doc:"Directory of the persistent volume in which each run leaves its model, in a directory that is named by the run's UUID" default:"/polyaxon-v1-data/models" form:"absolute"`
	// Wait is a whole number of seconds, or 0 for DefaultServeWait.
	Wait time.Duration `yaml:"wait" doc:"How long the service may take until it answers; 10m when left out"`
}

// DefaultServeWait is how long a service may take by default until it answers with a new model.
const DefaultServeWait = 10 * time.Minute

// Served is the model that a service gets. The zero value means that it serves none.
type Served struct {
	// Run is the UUID of the run that made the model, and Path where the run left it.
	Run, Path string
}

// Variables returns the environment variables that tell a program which model to serve.
func (s Served) Variables() map[string]string {
	if s.Run == "" {
		return nil
	}
	return map[string]string{"MODEL_RUN": s.Run, "MODEL_PATH": s.Path}
}

// Of returns the model that a run has made.
func (s *Serve) Of(run string) Served {
	return Served{Run: run, Path: strings.TrimSuffix(s.Path, "/") + "/" + run}
}

// ServeOf returns what a service serves, or nil if it serves no model of slipway.yaml.
func (c *Config) ServeOf(service string) *Serve {
	for _, name := range keys(c.Serve) {
		if c.Serve[name].Service == service {
			return c.Serve[name]
		}
	}
	return nil
}

// BuiltForModel returns what an image serves if it gets the run as a build argument, so that it can only
// be built when the run is known. Otherwise it returns nil.
func (c *Config) BuiltForModel(image string) *Serve {
	for _, name := range keys(c.Serve) {
		if s := c.Serve[name]; s.Image == image && s.BuildArg != "" {
			return s
		}
	}
	return nil
}

// validateServe checks what the entries of serve name.
func (c *Config) validateServe(fail func(hint string, path []string, format string, args ...any)) {
	images, services := map[string]string{}, map[string]string{}
	for _, name := range keys(c.Serve) {
		s, at := c.Serve[name], []string{"serve", name}
		path := func(key string) []string { return append(slices.Clone(at), key) }
		switch {
		case c.Services[s.Model] != nil:
			fail("name the job that makes the model; the service that serves it belongs to serve."+name+".service", path("model"), "%s is a service, not a job", s.Model)
		case c.Jobs[s.Model] == nil:
			fail(suggest(s.Model, c.names.Jobs), path("model"), "job %s not found", s.Model)
		}
		i := c.Images[s.Image]
		switch other := images[s.Image]; {
		case i == nil:
			fail(suggest(s.Image, c.names.Images), path("image"), "image %s not found", s.Image)
		case other != "":
			fail("one image serves one model: add another image", path("image"), "image %s is already served by serve.%s", s.Image, other)
		}
		images[s.Image] = name
		c.validateServingService(s, services[s.Service], path, fail)
		services[s.Service] = name
		if s.BuildArg != "" && i != nil {
			c.validateBuildArg(s, i, path("build-arg"), fail)
		}
	}
}

// validateServingService checks the service of an entry of serve. other is the entry that has the same
// service, or "".
func (c *Config) validateServingService(s *Serve, other string, path func(string) []string, fail func(string, []string, string, ...any)) {
	service := c.Services[s.Service]
	switch {
	case s.Service == "" && len(c.Manifests) == 0:
		fail("add service: NAME, a service of this file that uses the image, or manifests that use "+ImageScheme+s.Image, []string{"serve", s.Name}, "nothing serves image %s: serve.%s names no service, and there are no manifests", s.Image, s.Name)
	case s.Service == "":
		if s.Wait > 0 {
			fail("leave it out: --rollout-timeout says how long deploy waits for manifests", path("wait"), "serve.%s.wait is for a service, and serve.%s names none", s.Name, s.Name)
		}
	case c.Jobs[s.Service] != nil:
		fail("move it to services, and give it a Polyaxonfile of kind service", path("service"), "%s is a job, not a service", s.Service)
	case service == nil:
		fail(suggest(s.Service, c.names.Services), path("service"), "service %s not found", s.Service)
	case service.Image != s.Image:
		fail("give it image: "+s.Image, path("service"), "service %s does not use image %s", s.Service, s.Image)
	case other != "":
		fail("", path("service"), "service %s is already named by serve.%s", s.Service, other)
	}
}

// validateBuildArg checks that an image that gets the run as a build argument can be built after the
// jobs.
func (c *Config) validateBuildArg(s *Serve, i *Image, at []string, fail func(string, []string, string, ...any)) {
	if i.Dockerfile == "" {
		fail("leave it out: the program finds the run in the environment variable MODEL_RUN", at, "image %s is of kind %s, and build-arg is for Dockerfiles", i.Name, i.Kind())
		return
	}
	if _, given := i.BuildArgs[s.BuildArg]; given {
		fail("remove it there", at, "build argument %s is already set in build-args of image %s", s.BuildArg, i.Name)
	}
	for _, name := range keys(c.Images) {
		if c.Images[name].OwnBase() == i.Name {
			fail("", at, "image %s is built on %s, which gets the run of %s as a build argument and so is built after the jobs", name, i.Name, s.Model)
		}
	}
	for _, name := range keys(c.Jobs) {
		if c.Jobs[name].Image != i.Name {
			continue
		}
		if slices.Contains(c.upstreamOf(s.Model), name) {
			fail("give the job an image of its own", at, "dependency cycle in serve: image %s needs the run of %s, and job %s needs image %s", i.Name, s.Model, name, i.Name)
			return
		}
		fail("give the job an image of its own", at, "job %s uses image %s, which gets the run of %s as a build argument and so is built after the jobs", name, i.Name, s.Model)
	}
}

// upstreamOf returns a job and all jobs that it comes after.
func (c *Config) upstreamOf(job string) []string {
	all := []string{job}
	for n := 0; n < len(all); n++ {
		if j := c.Jobs[all[n]]; j != nil {
			for _, before := range j.After {
				if !slices.Contains(all, before) {
					all = append(all, before)
				}
			}
		}
	}
	return all
}
