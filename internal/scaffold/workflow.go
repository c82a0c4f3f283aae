package scaffold

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/workflows"
)

// workflow plans the workflow that fits the remote, or else the files of CI that are there.
func (p *Plan) workflow(c *chooser, o Options) {
	r := p.Repository
	if r.CI.Slipway.File != "" && o.CI == "" {
		p.found(r.CI.Slipway, "a workflow that runs slipway already")
		return
	}
	if r.Prefix != "." && !plainPath.MatchString(r.Prefix) {
		p.warn("no workflow is written: the path %q has characters that a shell would read", r.Prefix)
		return
	}
	fits, why := "none", source.Position{}
	host, _, _ := strings.Cut(strings.TrimPrefix(r.Remote, "https://"), "/")
	switch {
	case host == "github.com" || strings.HasPrefix(host, "github."):
		fits, why = "github", source.Position{File: r.Remote}
	case strings.Contains(host, "gitlab"):
		fits, why = "gitlab", source.Position{File: r.Remote}
	case r.CI.GitLab.File != "":
		fits, why = "gitlab", r.CI.GitLab
	case r.CI.GitHub.File != "":
		fits, why = "github", r.CI.GitHub
	}
	if why.File != "" {
		p.found(why, "the workflow is for %s", fits)
	}
	name := ""
	if r.Prefix != "." {
		name = "-" + strings.ReplaceAll(r.Prefix, "/", "-")
	}
	switch c.text("ci", "Workflow for CI (github, gitlab or none)", o.CI, fits, "github", "gitlab", "none") {
	case "github":
		p.inWorkflow = true
		p.Files = append(p.Files, File{Path: ".github/workflows/slipway" + name + ".yml", Text: p.gitHub(name), Reason: "runs slipway deploy on every push to " + r.Branch})
	case "gitlab":
		p.inWorkflow = true
		p.gitLab(name)
	}
	p.Files = slices.DeleteFunc(p.Files, func(f File) bool {
		there := strings.HasPrefix(f.Path, ".git") && r.Exists(path.Join(strings.Repeat("../", depth(r.Prefix)), f.Path))
		if there {
			p.warn("%s is there already, and stays as it is", f.Path)
		}
		return there
	})
}

// depth returns how many directories a prefix has.
func depth(prefix string) int {
	if prefix == "." {
		return 0
	}
	return strings.Count(prefix, "/") + 1
}

// gitHub returns the workflow that ships, for this repository. project is what tells the
// workflows of several projects apart, or "".
func (p *Plan) gitHub(project string) string {
	r := p.Repository
	with := "          target: deploy\n"
	if r.Prefix != "." {
		with += "          working-directory: " + quoted(r.Prefix) + "\n"
	}
	env := ""
	if names := p.variables(); len(names) > 0 {
		env = "        env:\n"
		for _, name := range names {
			env += "          " + name + ": ${{ secrets." + name + " }}\n"
		}
	}
	commented := "        # env:\n        #   GCP_SA_KEY: ${{ secrets.GCP_SA_KEY }}\n"
	if env == "" {
		env = commented
	}
	return strings.NewReplacer(
		"# Copy this file to .github/workflows/deploy.yml: it takes every push to main from\n# the commit to finished runs, and fails when a run fails.\n",
		"# Takes every push to "+r.Branch+" from the commit to finished runs, and fails when a run fails.\n",
		"name: deploy\n", "name: slipway"+project+"\n", "group: deploy-", "group: deploy"+project+"-", "branches: [main]", "branches: ["+quoted(branchFilter(r.Branch))+"]",
		"          target: deploy\n", with, commented, env,
	).Replace(workflows.GitHub)
}

// branchFilter returns the filter of a workflow that matches one branch. git allows no other
// characters in its name that filters read (docs.github.com, "Filter pattern cheat sheet").
func branchFilter(branch string) string {
	filter := strings.NewReplacer("+", `\+`, "]", `\]`).Replace(branch)
	if strings.HasPrefix(filter, "!") {
		return `\` + filter
	}
	return filter
}

// gitLab plans the job that ships, as a file of its own where a .gitlab-ci.yml is there. The jobs of a
// project that is a directory have its name, and SLIPWAY_DIR.
func (p *Plan) gitLab(name string) {
	r := p.Repository
	text := workflows.GitLab[strings.Index(workflows.GitLab, ".slipway:"):]
	if r.Prefix != "." {
		text = strings.NewReplacer("slipway-ci", "slipway-ci", "slipway:\n", "slipway"+name+":\n", "slipway-", "slipway"+name+"-", "extends: .slipway\n", "extends: .slipway"+name+"\n",
			"resource_group: slipway ", "resource_group: slipway"+name+" ", "resource_group: slipway\n", "resource_group: slipway"+name+"\n",
			"SLIPWAY_REPORTS: ", "SLIPWAY_DIR: "+quoted(r.Prefix)+"\n    SLIPWAY_REPORTS: ").Replace(text)
	}
	if stages := r.CI.Stages; len(stages) > 1 && !slices.Contains(stages, "deploy") {
		text = strings.Replace(text, "stage: deploy", "stage: "+stages[len(stages)-1], 1)
	}
	text = "# Takes every push to the default branch from the commit to finished runs, and fails when a run\n# fails. Merge requests are planned, and tags deploy production.\n" + text
	reason := "runs slipway deploy on every push to the default branch"
	if r.CI.GitLab.File == "" {
		p.Files = append(p.Files, File{Path: ".gitlab-ci.yml", Text: text, Reason: reason})
		return
	}
	file := ".gitlab/slipway" + name + ".yml"
	p.Files = append(p.Files, File{Path: file, Text: text, Reason: reason + ", once .gitlab-ci.yml includes it"})
	p.warn("add this line to .gitlab-ci.yml, which is not changed: include: {local: %s}", file)
}

// ignore plans the lines of .gitignore that are missing.
func (p *Plan) ignore() {
	have := map[string]bool{}
	for _, line := range p.Repository.Ignored {
		have[strings.Trim(strings.TrimSpace(line), "/")] = true
	}
	var missing []string
	for _, line := range []string{".slipway/", "gha-creds-*.json"} {
		if !have[strings.Trim(line, "/")] {
			missing = append(missing, line)
		}
	}
	if len(missing) == 0 {
		return
	}
	text := "# slipway's caches and sandbox, and credentials that Google's action leaves\n" + strings.Join(missing, "\n") + "\n"
	p.Files = append(p.Files, File{Path: path.Join(p.Repository.Prefix, ".gitignore"), Text: text, Reason: "what git must not track", Append: p.Repository.Exists(".gitignore")})
}
