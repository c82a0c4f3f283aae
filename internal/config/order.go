package config

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/source"
)

// cycle returns names that come before each other, with the first one repeated at the end, or
// nil if there are none. before returns the names that come before one.
func cycle(names []string, before func(string) []string) []string {
	state := map[string]int{} // 1: being visited, 2: done
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
		for _, other := range before(name) {
			if found := visit(other); found != nil {
				return found
			}
		}
		way = way[:len(way)-1]
		state[name] = 2
		return nil
	}
	for _, name := range names {
		if found := visit(name); found != nil {
			return found
		}
	}
	return nil
}

// JobOrder returns the named jobs, or all jobs if there are no names, together with all
// jobs that they come after. The jobs are in waves: each is in a later wave than the jobs
// of its After. It returns a *source.Error for a name that is not a job, and if there are
// no jobs.
func (c *Config) JobOrder(names ...string) ([][]*Job, error) {
	if len(names) == 0 {
		names = keys(c.Jobs)
	}
	if len(names) == 0 {
		return nil, &source.Error{Position: source.Position{File: c.Path}, Message: "no jobs are declared", Hint: "add one under jobs"}
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
		if name == "" {
			return nil, &source.Error{Message: "the name of a job is empty", Hint: "an unset variable gives an empty name; without any name, all jobs are deployed"}
		}
		if c.Services[name] != nil {
			return nil, &source.Error{Message: name + " is a service, not a job", Hint: "slipway up " + name + " starts it"}
		}
		if c.Jobs[name] == nil {
			return nil, &source.Error{Message: "job " + name + " not found", Hint: suggest(name, keys(c.Jobs))}
		}
		deepest = max(deepest, visit(name))
	}
	waves := make([][]*Job, deepest+1)
	for _, name := range keys(depth) {
		waves[depth[name]] = append(waves[depth[name]], c.Jobs[name])
	}
	return waves, nil
}
