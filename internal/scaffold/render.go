package scaffold

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/survey"
)

// render returns slipway.yaml.
func (p *Plan) render() string {
	d := &document{}
	d.comment("What slipway builds and runs. Try it on this machine first: no cloud, no account.", "  slipway plan       what deploy would do; changes nothing",
		"  slipway deploy     builds the images, runs the jobs, and says where the results are",
		"All keys: https://github.com/slipway-ci/slipway/blob/main/docs/configuration.md", "The comments at the right say where a value is from.")
	d.line("project: "+quoted(p.project.Text), p.project.At.String())
	d.line("", "")
	p.renderCloud(d)
	p.renderImages(d)
	p.renderSecrets(d)
	p.renderEntries(d, "jobs", p.jobs)
	p.renderEntries(d, "services", p.services)
	p.renderManifests(d)
	return strings.TrimRight(d.String(), "\n") + "\n"
}

// renderCloud writes what a cluster needs, as comments.
func (p *Plan) renderCloud(d *document) {
	ci := p.Repository.CI
	d.comment("Everything runs on the sandbox of this machine. For your cluster, remove the # of these lines and check their values.")
	registry := ci.Registry
	for _, m := range p.Repository.Manifests {
		for _, image := range m.Images {
			if prefix, _, ok := survey.CutRepository(image.Text); ok && registry.Text == "" && strings.Contains(prefix, "/") && projectOf(prefix) != noProject {
				registry = survey.Value{Text: prefix, At: image.At}
			}
		}
	}
	if registry.Text == "" {
		registry.Text = "europe-west4-docker.pkg.dev/PROJECT/REPOSITORY"
	}
	d.line("# registry: "+quoted(registry.Text), registry.At.String())
	name, location, project := ci.Cluster.Text, ci.Location, ci.GoogleProject
	if name == "" {
		name = "ml"
	}
	if location == "" {
		location = "europe-west4"
	}
	if project == "" {
		project = projectOf(registry.Text)
	}
	d.line("# cluster:", "")
	d.line("#   gke: {project: "+quoted(project)+", location: "+location+", name: "+quoted(name)+"}", ci.Cluster.At.String())
	d.line("#   namespace: polyaxon-v1", "that of Polyaxon's runs")
	if ci.Polyaxon.Text != "" {
		d.line("# polyaxon: {host: "+quoted(ci.Polyaxon.Text)+", token: env:POLYAXON_TOKEN}", ci.Polyaxon.At.String())
	}
	d.line("", "")
}

const noProject = "my-project"

// projectOf returns the Google Cloud project in the prefix of a registry.
func projectOf(prefix string) string {
	host, rest, _ := strings.Cut(prefix, "/")
	project, _, _ := strings.Cut(rest, "/")
	if project == "" || project == "PROJECT" || !strings.HasSuffix(host, "gcr.io") && !strings.HasSuffix(host, "pkg.dev") {
		return noProject
	}
	return project
}

func (p *Plan) renderImages(d *document) {
	if len(p.images) == 0 {
		return
	}
	d.line("images:", "")
	for _, i := range p.images {
		d.line("  "+quoted(i.name)+":", "")
		if i.dockerfile != nil {
			d.line("    dockerfile: "+quoted(i.dockerfile.Path()), "needs BuildKit, such as Docker's")
			continue
		}
		d.line("    python:", "no Docker: the packages of a lock on a base with Python")
		d.line("      base: "+quoted(i.base.Text), i.base.At.String())
		d.line("      requirements: "+quoted(i.lock.Text), i.lock.At.String())
		if len(i.files) > 0 {
			d.line("    files: "+flow(i.files...), "what the programs need; below /app")
		}
		if i.pythonPath.Text != "" {
			d.line("    env: {PYTHONPATH: "+quoted(path.Join("/app", i.pythonPath.Text))+"}", i.pythonPath.At.String())
		}
	}
	if p.images[0].dockerfile == nil {
		for _, f := range p.Repository.Dockerfiles {
			d.line("#   "+quoted(f.Name)+": {dockerfile: "+quoted(f.Path())+"}", "not needed with the lock")
		}
	}
	d.line("", "")
}

func (p *Plan) renderSecrets(d *document) {
	if len(p.secrets) == 0 {
		return
	}
	d.line("secrets:", "Kubernetes Secrets that the Polyaxonfiles name, with where their values come from")
	for _, s := range p.secrets {
		switch {
		case strings.Contains(s.Text, "pull"):
			server := "https://gcr.io"
			if host, _, ok := strings.Cut(p.Repository.CI.Registry.Text, "/"); ok {
				server = "https://" + host
			}
			d.line("  "+quoted(s.Text)+": {docker-registry: {server: "+quoted(server)+", service-account-key: env:GCP_SA_KEY}}", s.At.String())
		case strings.Contains(s.Text, "gcp"):
			d.line("  "+quoted(s.Text)+": {data: {gcp-service-account.json: env:GCP_SA_KEY}}", s.At.String())
		default:
			d.line("  "+quoted(s.Text)+": {data: {value: env:"+variableOf(s)+"}}", "name its keys: "+s.At.String())
		}
	}
	d.line("", "")
	p.Next = append(p.Next, "export "+strings.Join(p.variables(), "=... ")+"=...    # the secrets of slipway.yaml")
}

func variableOf(s survey.Value) string { return strings.ToUpper(strings.ReplaceAll(s.Text, "-", "_")) }

// variables returns the environment variables that the secrets need.
func (p *Plan) variables() []string {
	var all []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] && variableName.MatchString(name) { // it becomes a key and an expression of a workflow
			seen[name] = true
			all = append(all, name)
		}
	}
	for _, s := range p.secrets {
		if strings.Contains(s.Text, "pull") || strings.Contains(s.Text, "gcp") {
			add("GCP_SA_KEY")
		} else {
			add(variableOf(s))
		}
	}
	for _, e := range append(p.jobs[:len(p.jobs):len(p.jobs)], p.services...) {
		for _, v := range e.params {
			if name, ok := strings.CutPrefix(strings.Trim(v.value, `"`), "secret:env:"); ok {
				add(name)
			}
		}
	}
	return all
}

func (p *Plan) renderEntries(d *document, section string, all []entry) {
	if len(all) == 0 {
		return
	}
	head := section + ":"
	off := true
	for _, e := range all {
		off = off && e.not != ""
	}
	if off {
		head = "# " + head
	}
	d.line(head, "")
	for _, e := range all {
		p.renderEntry(d, section, e)
	}
	d.line("", "")
}

func (p *Plan) renderEntry(d *document, section string, e entry) {
	hash := ""
	if e.not != "" {
		hash = "# "
		d.comment("  " + e.name + " is left out: " + e.not)
	}
	line := func(text, comment string) { d.line(hash+text, comment) }
	line("  "+quoted(e.name)+":", "")
	if e.file != "" {
		line("    polyaxonfile: "+quoted(e.file), "")
	} else {
		line("    component: "+e.component, "one that ships: slipway component show "+e.component)
	}
	if e.image != "" {
		line("    image: "+quoted(e.image), e.unsure)
	}
	if len(e.after) > 0 {
		line("    after: "+flow(e.after...), "runs when that has succeeded")
	}
	if e.matrix.File != "" {
		line("    matrix: expand", "slipway makes the runs: "+e.matrix.String())
	}
	if e.gpu.File != "" {
		line("    gpu: 0", "delete it on a cluster with GPUs: "+e.gpu.String()+" asks for them, and the sandbox has none")
	}
	if e.oldGPU.File != "" {
		d.line("    # gpu: 1", "for a cluster with GPUs: "+e.oldGPU.String())
	}
	if len(e.params) > 0 {
		line("    params:", "")
	}
	for _, v := range e.params {
		line("      "+quoted(v.name)+": "+v.value, v.comment)
	}
	if section == "jobs" && e.not == "" {
		if p.inWorkflow {
			line("    timeout: 5h", "stop a run that takes longer; the workflow ends after 6 h")
		} else {
			line("    timeout: 12h", "stop a run that takes longer")
		}
	}
}

func (p *Plan) renderManifests(d *document) {
	if len(p.Repository.Manifests) == 0 {
		return
	}
	d.comment("Kubernetes manifests, which deploy applies after the jobs. They need a cluster: the sandbox runs no workloads.",
		"An image of a manifest that is slipway://NAME stands for the image NAME above.")
	var paths []string
	for _, m := range p.Repository.Manifests {
		paths = append(paths, m.Path)
		p.found(m.At, "Kubernetes manifests in %s", m.Path)
		for _, v := range m.Images {
			_, name, _ := survey.CutRepository(v.Text)
			if slices.ContainsFunc(p.images, func(i image) bool { return i.name == name }) {
				p.found(v.At, "the image %s: slipway://%s stands for it", name, name)
			}
		}
	}
	d.line("# manifests: "+flow(paths...), p.Repository.Manifests[0].At.String())
}
