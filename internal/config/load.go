package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// Options says how Load reads a configuration.
type Options struct {
	// Environment is the name of the environment to merge in, or "" for none.
	Environment string
	// Lookup returns the value of an environment variable and whether it is set, as
	// os.LookupEnv does. If it is nil, all variables are unset.
	Lookup func(string) (string, bool)
}

// Load reads and validates the configuration at path. Its error joins all errors of the
// file, each a *source.Error, in the order of their positions.
func Load(path string, o Options) (*Config, error) {
	defer panics.At(path)
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	text, err := read(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &source.Error{Position: source.Position{File: path}, Message: "file not found", Hint: "-f sets the path of slipway.yaml", Err: err}
	}
	if err != nil {
		return nil, &source.Error{Position: source.Position{File: path}, Message: err.Error(), Err: err}
	}
	d := newDecoder(path, o.Lookup)
	c := &Config{Path: full, Dir: filepath.Dir(full), Environment: o.Environment, positions: d.positions}
	if root := d.parse(text); root != nil && d.supported(root) {
		d.decodeConfig(d.overlay(root, c), c)
		if len(d.errs) == 0 {
			c.setDefaults()
			d.errs = c.validate()
		}
		if len(d.errs) == 0 {
			d.errs = c.checkEnvironments(root, d)
		}
	}
	if len(d.errs) > 0 {
		return nil, inOrder(d.errs)
	}
	return c, nil
}

// setDefaults fills in the project's default, the names of images, secrets, jobs, services and what serves,
// and the order of jobs that follows from references.
func (c *Config) setDefaults() {
	if c.Registry = strings.TrimSuffix(c.Registry, "/"); c.Project == "" {
		c.Project = slug(filepath.Base(c.Dir))
	}
	if c.Cluster != nil && c.Cluster.GKE != nil && c.Cluster.GKE.Project == "" && c.Google != nil {
		c.Cluster.GKE.Project = c.Google.Project
	}
	for name, i := range c.Images {
		i.Name = name
	}
	for name, s := range c.Data {
		s.Name = name
	}
	for name, s := range c.Secrets {
		s.Name = name
	}
	for name, j := range c.Jobs {
		j.Name = name
		j.addReferencedJobs()
	}
	for name, j := range c.Services {
		j.Name, j.Service = name, true
	}
	for name, s := range c.Serve {
		s.Name = name
	}
}

var notSlug = lazyregexp.New(`[^a-z0-9]+`)

// slug turns a directory's name into a valid project name.
func slug(text string) string {
	s := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(s) > 63 {
		s = strings.Trim(s[:63], "-")
	}
	if s == "" {
		return "project"
	}
	return s
}

// inOrder joins errs in the order of their positions. It sorts errs.
func inOrder(errs []*source.Error) error {
	sort.SliceStable(errs, func(i, j int) bool {
		a, b := errs[i].Position, errs[j].Position
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	joined := make([]error, len(errs))
	for i, e := range errs {
		joined[i] = e
	}
	return errors.Join(joined...)
}
