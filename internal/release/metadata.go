package release

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Distribution is the name of the Python package, and distribution its form in file names.
const (
	Distribution = "slipway-ci"
	distribution = "slipway_ci"
)

// repository is where the sources are.
const repository = "https://github.com/slipway-ci/slipway"

// metadata returns the core metadata of a wheel (packaging.python.org, core metadata 2.4)
// with the README as its description, and the names of its license files.
func (p *Program) metadata(version, readme string, licenses []string) string {
	text := &strings.Builder{}
	field := func(name, value string) { _, _ = fmt.Fprintf(text, "%s: %s\n", name, value) }
	field("Metadata-Version", "2.4")
	field("Name", Distribution)
	field("Version", version)
	field("Summary", "Takes a machine learning repository from a commit to a finished run on Polyaxon and Kubernetes")
	field("Keywords", "ci,kubernetes,machine-learning,mlops,polyaxon,gke")
	field("License-Expression", license)
	for _, name := range licenses {
		field("License-File", name)
	}
	for _, classifier := range []string{
		"Environment :: Console", "Intended Audience :: Developers", "Intended Audience :: Science/Research",
		"Operating System :: MacOS", "Operating System :: Microsoft :: Windows", "Operating System :: POSIX :: Linux",
		"Programming Language :: Go", "Programming Language :: Python :: 3",
		"Topic :: Scientific/Engineering :: Artificial Intelligence", "Topic :: Software Development :: Build Tools",
	} {
		field("Classifier", classifier)
	}
	field("Requires-Python", ">=3.8")
	field("Project-URL", "Repository, "+repository)
	field("Project-URL", "Documentation, "+repository+"#readme")
	field("Project-URL", "Releases, "+repository+"/releases")
	field("Description-Content-Type", "text/markdown; charset=UTF-8; variant=GFM")
	return text.String() + "\n" + absoluteLinks(readme, p.ref())
}

// ref returns what the links of the description refer to: the tag, or the commit.
func (p *Program) ref() string {
	if p.Tag != "" {
		return p.Tag
	}
	return p.Revision
}

// absoluteLinks returns a page of the repository with the addresses of the files that it
// links to. Where wheels are shown, these files are not.
func absoluteLinks(page, ref string) string {
	return regexp.MustCompile(`\]\(([^)]*)\)`).ReplaceAllStringFunc(page, func(link string) string {
		target := strings.TrimSuffix(strings.TrimPrefix(link, "]("), ")")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "#") {
			return link
		}
		file, anchor, found := strings.Cut(target, "#")
		if found {
			anchor = "#" + anchor
		}
		return "](" + repository + "/blob/" + ref + "/" + path.Clean(file) + anchor + ")"
	})
}
