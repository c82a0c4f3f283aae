package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/source/syntax"
)

// FileName is what the configuration is called.
const FileName = "slipway.yaml"

// maxSize of a configuration, in bytes.
const maxSize = 1 << 20

// Options say how to read a configuration.
type Options struct {
	// Environment is the one to lay over the rest, "" for none.
	Environment string
	// Lookup reads the environment variables that the file names.
	Lookup func(string) (string, bool)
}

// Find gives the slipway.yaml of dir, or of the nearest parent up to the root of
// the repository that dir is in. Its error is a *source.Error, which is
// fs.ErrNotExist when there is none.
func Find(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", FileName, err)
	}
	if info, err := os.Stat(start); err != nil || !info.IsDir() {
		return "", &source.Error{Position: source.Position{File: dir}, Message: "there is no such directory", Hint: "-C takes the one to look for " + FileName + " in"}
	}
	for at := start; ; at = filepath.Dir(at) {
		path := filepath.Join(at, FileName)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		_, err := os.Stat(filepath.Join(at, ".git"))
		if err == nil || at == filepath.Dir(at) {
			return "", &source.Error{Position: source.Position{File: start}, Message: "there is no " + FileName + " here, nor above in the repository",
				Hint: "write one, or name the place with -C DIR or -f FILE", Err: fs.ErrNotExist}
		}
	}
}

// Repository gives the root of the git repository that the configuration is in, "" when
// it is in none.
func (c *Config) Repository() string {
	for dir := c.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// Load reads the configuration at path. It gives all that is wrong at once, as
// *source.Error values that are joined, in the order of their positions.
func Load(path string, o Options) (*Config, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	text, err := read(full)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &source.Error{Position: source.Position{File: path}, Message: "there is no such file", Hint: "-f names another slipway.yaml than the one that is found", Err: err}
	}
	if err != nil {
		return nil, &source.Error{Position: source.Position{File: path}, Message: err.Error(), Err: err}
	}
	if o.Lookup == nil {
		o.Lookup = func(string) (string, bool) { return "", false }
	}
	d := &decoder{file: path, lookup: o.Lookup, positions: map[string]source.Position{}}
	root := d.parse(text)
	c := &Config{Path: full, Dir: filepath.Dir(full), Environment: o.Environment, positions: d.positions}
	if root != nil {
		whole := root
		root = d.overlay(root, o.Environment)
		var spec fileSpec
		d.decode(root, reflect.ValueOf(&spec).Elem(), nil, "")
		if len(d.errs) == 0 {
			c.fill(&spec)
			d.errs = c.validate()
		}
		if len(d.errs) == 0 {
			d.errs = c.others(whole, path, o)
		}
	}
	if len(d.errs) > 0 {
		return nil, inOrder(d.errs)
	}
	return c, nil
}

func read(path string) ([]byte, error) {
	text, err := source.ReadFile(nil, path, maxSize+1)
	var irregular *source.IrregularError
	switch {
	case errors.As(err, &irregular):
		return nil, irregular
	case err != nil:
		return nil, err
	case len(text) > maxSize:
		return nil, errors.New("is larger than 1 MiB: that is no configuration")
	case bytes.IndexByte(text, 0) >= 0, !utf8.Valid(text):
		return nil, errors.New("is not text in UTF-8")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("is empty; name at least a job, or an image to build")
	}
	return text, nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// parse gives the root mapping, nil when there is none.
func (d *decoder) parse(text []byte) *yaml.Node {
	fail := func(line int, message string) *yaml.Node {
		d.errs = append(d.errs, &source.Error{Position: source.Position{File: d.file, Line: line, Column: 1}, Message: message})
		return nil
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return fail(1, "is empty; name at least a job, or an image to build")
		}
		if mistake := syntax.Find(text); mistake != nil {
			d.errs = append(d.errs, d.noYAML(text, mistake))
			return nil
		}
		line, message := 1, err.Error()
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			if _, err := fmt.Sscan(m[1], &line); err != nil {
				line = 1
			}
			message = m[2]
		}
		return fail(min(line, bytes.Count(text, []byte("\n"))+1), "is no YAML: "+message)
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		if mistake := syntax.Find(text); mistake != nil {
			d.errs = append(d.errs, d.noYAML(text, mistake))
			return nil
		}
		return fail(second.Line, "has a second document (---); one is allowed")
	}
	root := document.Content[0]
	if !d.bounded(root) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		d.fail(root, "", "%s must be a mapping, not %s", FileName, kind(root))
		return nil
	}
	return root
}

// sensitive is a line that is not printed: a secret may stand in it, though it should
// not.
var sensitive = regexp.MustCompile(`(?i)passw|token|secret|credential|private|key`)

// noYAML says where the text is no YAML, with the line.
func (d *decoder) noYAML(text []byte, mistake *syntax.Mistake) *source.Error {
	e := &source.Error{Position: source.Position{File: d.file, Line: mistake.Line, Column: mistake.Column}, Message: mistake.Message, Hint: mistake.Hint}
	if lines := strings.Split(string(text), "\n"); mistake.Line <= len(lines) && !sensitive.MatchString(lines[mistake.Line-1]) {
		e.Excerpt = source.Excerpt(strings.TrimRight(lines[mistake.Line-1], "\r"), e.Position)
	}
	return e
}

// overlay gives root with an environment laid over it: mappings merge, all else
// is replaced. Every environment is checked, chosen or not.
func (d *decoder) overlay(root *yaml.Node, chosen string) *yaml.Node {
	var environments, names = (*yaml.Node)(nil), []string{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "environments" {
			environments = root.Content[i+1]
		}
	}
	result := root
	if environments != nil && environments.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(environments.Content); i += 2 {
			key, value := environments.Content[i], environments.Content[i+1]
			names = append(names, key.Value)
			d.checkOverlay(key.Value, value)
			if key.Value == chosen {
				result = merge(root, value)
			}
		}
	}
	if environments != nil && environments.Kind != yaml.MappingNode {
		d.fail(environments, "", "environments must be a mapping, not %s", kind(environments))
	}
	if chosen != "" && result == root {
		e := &source.Error{Position: source.Position{File: d.file, Line: 1, Column: 1}, Message: "there is no environment " + chosen}
		if environments != nil {
			e.Position = d.at(environments)
		}
		sort.Strings(names)
		if near, ok := source.Nearest(chosen, names); ok {
			e.Hint = "did you mean " + near + "?"
		} else if len(names) > 0 {
			e.Hint = "there are " + strings.Join(names, ", ")
		}
		d.errs = append(d.errs, e)
	}
	return without(result, "environments")
}

// checkOverlay decodes an environment by itself, for its errors' sake. What a
// whole file needs may be missing, and its variables may be unset.
func (d *decoder) checkOverlay(name string, n *yaml.Node) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	probe := &decoder{file: d.file, lookup: func(string) (string, bool) { return "", false }, positions: map[string]source.Position{}}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "environments" {
			d.fail(n.Content[i], "", "an environment has no environments of its own")
			return
		}
	}
	var spec fileSpec
	probe.decode(n, reflect.ValueOf(&spec).Elem(), []string{"environments", name}, "")
	for _, e := range probe.errs {
		if !strings.Contains(e.Message, "is not set") && !strings.Contains(e.Message, " needs ") {
			d.errs = append(d.errs, e)
		}
	}
}

func merge(below, above *yaml.Node) *yaml.Node {
	for above.Kind == yaml.AliasNode {
		above = above.Alias
	}
	for below.Kind == yaml.AliasNode {
		below = below.Alias
	}
	if below.Kind != yaml.MappingNode || above.Kind != yaml.MappingNode {
		return above
	}
	merged := *below
	merged.Content = append([]*yaml.Node{}, below.Content...)
next:
	for i := 0; i+1 < len(above.Content); i += 2 {
		for j := 0; j+1 < len(merged.Content); j += 2 {
			if merged.Content[j].Value == above.Content[i].Value {
				merged.Content[j+1] = merge(merged.Content[j+1], above.Content[i+1])
				continue next
			}
		}
		merged.Content = append(merged.Content, above.Content[i], above.Content[i+1])
	}
	return &merged
}

func without(n *yaml.Node, key string) *yaml.Node {
	less := *n
	less.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			less.Content = append(less.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &less
}

// fill takes over what was decoded.
func (c *Config) fill(s *fileSpec) {
	c.Project, c.Registry, c.Bucket, c.Manifests = s.Project, strings.TrimSuffix(s.Registry, "/"), s.Bucket, s.Manifests
	if c.Project == "" {
		c.Project = slug(filepath.Base(c.Dir))
	}
	if s.Cluster != nil {
		c.Cluster = &Cluster{GKE: (*GKE)(s.Cluster.GKE), Kubeconfig: (*Kubeconfig)(s.Cluster.Kubeconfig), Namespace: s.Cluster.Namespace, CreateNamespace: s.Cluster.Create}
	}
	c.References = (*References)(s.References)
	c.Polyaxon, c.Volume, c.MLflow = (*Polyaxon)(s.Polyaxon), (*Volume)(s.Volume), (*MLflow)(s.MLflow)
	if c.Prices = (*Prices)(s.Prices); c.Prices != nil && c.Prices.Currency == "" {
		c.Prices.Currency = "USD"
	}
	c.Images, c.Secrets, c.Jobs, c.Services = map[string]*Image{}, map[string]*Secret{}, map[string]*Job{}, map[string]*Job{}
	for name, i := range s.Images {
		c.Images[name] = &Image{
			Name: name, Go: (*GoImage)(i.Go), Python: (*PythonImage)(i.Python), Dockerfile: i.Dockerfile, BuildArgs: i.BuildArgs, BuildSecrets: i.BuildSecrets, SSH: i.SSH, Git: i.Git, Target: i.Target,
			Base: i.Base, Files: i.Files, Workdir: i.Workdir, User: i.User, Owner: i.Owner, Env: i.Env, Entrypoint: i.Entrypoint, Command: i.Command, Tags: i.Tags, Platforms: i.Platforms,
		}
	}
	for name, x := range s.Secrets {
		c.Secrets[name] = &Secret{Name: name, Data: x.Data, DockerRegistry: (*DockerRegistry)(x.DockerRegistry)}
	}
	for name, j := range s.Jobs {
		c.Jobs[name] = &Job{
			Name: name, Polyaxonfile: j.Polyaxonfile, Component: j.Component, Image: j.Image, After: j.After, Params: j.Params, Matrix: j.Matrix,
			GPU: j.GPU, Timeout: time.Duration(j.Timeout), OnCancel: j.OnCancel, Presets: j.Presets, Credentials: j.Credentials,
		}
		if j.OnCancel == "" {
			c.Jobs[name].OnCancel = "stop"
		}
		c.Jobs[name].follow()
	}
	for name, v := range s.Services {
		c.Services[name] = &Job{
			Name: name, Polyaxonfile: v.Polyaxonfile, Component: v.Component, Image: v.Image, Params: v.Params,
			GPU: v.GPU, Timeout: time.Duration(v.Timeout), OnCancel: "stop", Presets: v.Presets, Credentials: v.Credentials, Service: true,
		}
	}
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug makes a directory's name a project's name.
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
