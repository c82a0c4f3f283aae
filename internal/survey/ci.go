package survey

import (
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// CI is what the files of CI, Makefiles and scripts do.
type CI struct {
	// GitHub and GitLab are the first files for each. Slipway is a workflow that runs slipway.
	GitHub, GitLab, Slipway source.Position
	// Stages are the stages of GitLab, if it names any.
	Stages []string
	Builds []Build
	Runs   []Run
	// Registry is the prefix of the images that are pushed.
	Registry Value
	// Cluster is the cluster of gcloud container clusters get-credentials, with its Location
	// and its GoogleProject, which may be "".
	Cluster                 Value
	Location, GoogleProject string
	// Polyaxon is the address of the Polyaxon server.
	Polyaxon Value
}

// Build is an image that CI builds of a Dockerfile.
type Build struct {
	Dockerfile, Image string
	At                source.Position
}

// Run is a Polyaxonfile that CI runs, with the values of its params.
type Run struct {
	Polyaxonfile string
	Params       map[string]string
	At           source.Position
}

func isCI(name string) bool {
	base := path.Base(name)
	isYAML := strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")
	switch {
	case path.Dir(name) == ".github/workflows", strings.HasPrefix(name, ".gitlab/"), strings.HasSuffix(base, ".gitlab-ci.yml"), strings.HasPrefix(base, "cloudbuild"):
		return isYAML
	}
	return base == "Makefile" || base == "Jenkinsfile" || strings.HasSuffix(base, ".sh")
}

var (
	variable    = lazyregexp.New(`^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*[:=]\s*["']?([A-Za-z0-9][^\s"'#$]*)`)
	reference   = lazyregexp.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?`)
	stages      = lazyregexp.New(`(?m)^stages:[ \t]*(\[[^\]\n]*\]|(?:\n[ \t]*-[^\n]*)+)`)
	word        = lazyregexp.New(`[A-Za-z0-9_-]+`)
	kanikoFile  = lazyregexp.New(`--dockerfile[= ]+["']?([^\s"']+)`)
	kanikoTo    = lazyregexp.New(`--destination[= ]+["']?([^\s"']+)`)
	actionFile  = lazyregexp.New(`^\s*file:\s*["']?([^\s"']+)`)
	actionTags  = lazyregexp.New(`^\s*tags:\s*["']?([^\s"',|>]+)`)
	dockerBuild = lazyregexp.New(`\b(?:docker|podman|buildah)\s+(?:buildx\s+)?(?:build|bud)\b(.*)`)
	dockerFile  = lazyregexp.New(`\s(?:-f|--file)[= ]+["']?([^\s"']+)`)
	dockerTag   = lazyregexp.New(`\s(?:-t|--tag)[= ]+["']?([^\s"']+)`)
	polyaxonRun = lazyregexp.New(`\bpolyaxon\s+run\b(.*)`)
	runFile     = lazyregexp.New(`\s(?:-f|--file)[= ]+["']?([^\s"']+)`)
	runParam    = lazyregexp.New(`\s(?:-P|--params?)[= ]+["']?([A-Za-z_]\w*)=([^\s"']*)`)
	polyaxonAt  = lazyregexp.New(`\bpolyaxon\s+config\s+set\b.*--host[= ]+["']?([^\s"']+)`)
	credentials = lazyregexp.New(`\bclusters\s+get-credentials\s+["']?([^\s"']+)(.*)`)
	located     = lazyregexp.New(`--(?:zone|region|location)[= ]+["']?([a-z0-9-]+)`)
	ofProject   = lazyregexp.New(`--project[= ]+["']?([a-z0-9.:-]+)`)
	usesSlipway = lazyregexp.New(`(?m)(slipway-ci/slipway|\bslipway (?:deploy|build|submit)\b)`)
)

const (
	maxCommand = 16 << 10 // bytes of a command on several lines
	maxValue   = 1 << 10  // bytes of the value of a variable
)

// near is how many lines may be between the Dockerfile and the name of its image.
const near = 12

// read reads a file of CI by its lines.
func (c *CI) read(name, text string) {
	at := source.Position{File: name, Line: 1}
	switch {
	case strings.HasPrefix(name, ".github/") && c.GitHub.File == "":
		c.GitHub = at
	case strings.Contains(name, "gitlab") && c.GitLab.File == "":
		c.GitLab = at
	}
	if v, ok := firstMatch(name, text, usesSlipway); ok && (strings.HasPrefix(name, ".github/") || strings.Contains(name, "gitlab")) && c.Slipway.File == "" {
		c.Slipway = v.At
	}
	c.readStages(name, text)
	p := &ciFile{c: c, name: name, variables: map[string]string{}, action: strings.Contains(text, "docker/build-push-action")}
	for line := range strings.Lines(text) {
		p.number++
		line = strings.TrimRight(line, "\n")
		if p.start == 0 {
			p.start = p.number
		}
		begun, goesOn := strings.CutSuffix(line, `\`)
		if len(p.begun) < maxCommand {
			p.begun += begun + strings.Repeat(" ", b2i(goesOn))
		}
		if goesOn {
			continue
		}
		p.line(p.begun)
		p.begun, p.start = "", 0
	}
}

// readStages reads the stages of GitLab.
func (c *CI) readStages(name, text string) {
	if v, ok := firstMatch(name, text, stages); ok && strings.HasSuffix(name, ".gitlab-ci.yml") {
		c.Stages = word.FindAllString(strings.ReplaceAll(v.Text, "\n", " "), 50)
	}
}

// ciFile is a file while it is read.
type ciFile struct {
	c             *CI
	name, begun   string
	number, start int
	variables     map[string]string
	action        bool
	// file and image are those of a build whose other half has not been seen.
	file, image         string
	fileLine, imageLine int
}

func (p *ciFile) line(line string) {
	at := source.Position{File: p.name, Line: p.start}
	if found := variable.FindStringSubmatch(line); found != nil && len(p.variables) < 1000 && len(found[2]) < maxValue {
		p.variables[found[1]] = found[2]
	}
	for _, half := range []struct {
		pattern *lazyregexp.Regexp
		to      *string
		line    *int
		skip    bool
	}{{kanikoFile, &p.file, &p.fileLine, false}, {kanikoTo, &p.image, &p.imageLine, false}, {actionFile, &p.file, &p.fileLine, !p.action}, {actionTags, &p.image, &p.imageLine, !p.action}} {
		if found := half.pattern.FindStringSubmatch(line); found != nil && !half.skip {
			*half.to, *half.line = found[1], p.start
		}
	}
	if p.file != "" && p.image != "" && p.fileLine-p.imageLine <= near && p.imageLine-p.fileLine <= near {
		p.build(p.file, p.image, source.Position{File: p.name, Line: p.imageLine})
		p.file, p.image = "", ""
	}
	if found := dockerBuild.FindStringSubmatch(line); found != nil {
		file, tag := "Dockerfile", dockerTag.FindStringSubmatch(found[1])
		if named := dockerFile.FindStringSubmatch(found[1]); named != nil {
			file = named[1]
		}
		if tag != nil {
			p.build(file, tag[1], at)
		}
	}
	if found := polyaxonRun.FindStringSubmatch(line); found != nil {
		if file := runFile.FindStringSubmatch(found[1]); file != nil {
			run := Run{Polyaxonfile: p.path(file[1]), Params: map[string]string{}, At: at}
			for _, param := range runParam.FindAllStringSubmatch(found[1], 100) {
				run.Params[param[1]] = p.expand(param[2])
			}
			if len(p.c.Runs) < maxFound {
				p.c.Runs = append(p.c.Runs, run)
			}
		}
	}
	if found := polyaxonAt.FindStringSubmatch(line); found != nil && p.c.Polyaxon.Text == "" {
		if host := p.expand(found[1]); isHost(host) {
			p.c.Polyaxon = Value{host, at}
		}
	}
	if found := credentials.FindStringSubmatch(line); found != nil && p.c.Cluster.Text == "" {
		if name := p.expand(found[1]); plainName.MatchString(name) {
			p.c.Cluster = Value{name, at}
			rest := p.expand(found[2])
			if l := located.FindStringSubmatch(rest); l != nil {
				p.c.Location = l[1]
			}
			if g := ofProject.FindStringSubmatch(rest); g != nil {
				p.c.GoogleProject = g[1]
			}
		}
	}
}

var (
	plainName   = lazyregexp.New(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
	plainPrefix = lazyregexp.New(`^[a-z0-9.-]+(?::\d+)?(?:/[a-z0-9._-]+)+$`)
	plainHost   = lazyregexp.New(`^https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[\w./-]*)?$`)
)

func isHost(host string) bool {
	return plainHost.MatchString(host) && !strings.Contains(host, "localhost") && !strings.Contains(host, "127.0.0.1")
}

// build adds an image that is built of a Dockerfile.
func (p *ciFile) build(file, image string, at source.Position) {
	if len(p.c.Builds) == maxFound {
		return
	}
	prefix, name, ok := CutRepository(p.expand(image))
	p.c.Builds = append(p.c.Builds, Build{Dockerfile: p.path(file), Image: strings.TrimPrefix(prefix+"/"+name, "/"), At: at})
	if ok && p.c.Registry.Text == "" {
		p.c.Registry = Value{prefix, at}
	}
}

// CutRepository returns the prefix of an image's repository, such as gcr.io/project, and its
// last part. It reports whether the prefix names a registry and is one of slipway.yaml.
func CutRepository(image string) (prefix, name string, ok bool) {
	repository, _, _ := strings.Cut(image, "@")
	if slash := strings.LastIndex(repository, "/"); strings.LastIndex(repository, ":") > slash {
		repository = repository[:strings.LastIndex(repository, ":")]
	}
	slash := strings.LastIndex(repository, "/")
	if slash < 0 {
		return "", repository, false
	}
	prefix, name = repository[:slash], repository[slash+1:]
	host, _, _ := strings.Cut(prefix, "/")
	return prefix, name, strings.ContainsAny(host, ".:") && plainPrefix.MatchString(prefix)
}

// path returns a path of CI as one of the repository.
func (p *ciFile) path(name string) string {
	name = p.expand(name)
	for _, root := range []string{"$CI_PROJECT_DIR", "${CI_PROJECT_DIR}", "${{ github.workspace }}", "$GITHUB_WORKSPACE", "$(pwd)", "$PWD", "${PWD}", "/workspace"} {
		name = strings.TrimPrefix(name, root)
	}
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// expand replaces the variables that the file sets.
func (p *ciFile) expand(text string) string {
	left := maxCommand
	return reference.ReplaceAllStringFunc(text, func(match string) string {
		value, ok := p.variables[reference.FindStringSubmatch(match)[1]]
		if left -= len(value); !ok || left < 0 {
			return match
		}
		return value
	})
}
