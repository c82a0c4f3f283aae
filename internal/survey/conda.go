package survey

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

var (
	condaItem    = lazyregexp.New(`^(\s*)-\s+["']?([^"'#\s][^"'#\n]*?)["']?\s*(?:#.*)?$`)
	condaPackage = lazyregexp.New(`^(?:[\w.-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*(.*)$`)
)

// onlyConda are packages that PyPI does not have, or that wheels bring with them.
var onlyConda = map[string]bool{
	"pip": true, "setuptools": true, "wheel": true, "conda": true, "cudatoolkit": true, "cudnn": true, "cuda": true, "cuda-toolkit": true, "pytorch-cuda": true,
	"pytorch-mutex": true, "cpuonly": true, "mkl": true, "openblas": true, "blas": true, "libgcc-ng": true, "libstdcxx-ng": true, "openssl": true,
	"ca-certificates": true, "nodejs": true, "git": true, "gcc": true, "gxx": true, "make": true, "cmake": true, "ffmpeg": true, "openjdk": true, "nccl": true,
}

// inPyPI are packages that have another name in PyPI.
var inPyPI = map[string]string{
	"pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch", "opencv": "opencv-python-headless", "py-opencv": "opencv-python-headless", "tensorflow-gpu": "tensorflow",
	"py-xgboost": "xgboost", "matplotlib-base": "matplotlib", "pytables": "tables", "msgpack-python": "msgpack", "python-dateutil": "python-dateutil",
	"faiss": "faiss-cpu", "seaborn-base": "seaborn", "dask-core": "dask", "google-cloud-storage": "google-cloud-storage",
}

// addConda reads the environment of conda by its lines.
func (r *Repository) addConda(name, text string, at source.Position) {
	p := Packages{Form: "conda", At: at}
	if v, ok := firstMatch(name, text, condaTitle); ok && r.Project.Text == "" && v.Text != "base" {
		r.Project = v
	}
	number, inside, pip := 0, false, -1
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimRight(line, "\r\n"); line != "" && line[0] != ' ' && line[0] != '-' && line[0] != '#' {
			inside, pip = strings.HasPrefix(line, "dependencies:"), -1
		}
		found := condaItem.FindStringSubmatch(line)
		if !inside || found == nil {
			continue
		}
		here := source.Position{File: name, Line: number}
		indent, item := len(found[1]), found[2]
		switch {
		case item == "pip:":
			pip = indent
		case pip >= 0 && indent > pip:
			if !strings.HasPrefix(item, "-") && !strings.Contains(item, "://") {
				p.List = append(p.List, Value{item, here})
			}
		default:
			pip = -1
			if needs := fromConda(item); strings.HasPrefix(needs, "python ") {
				r.python(Value{strings.TrimPrefix(needs, "python "), here}, true)
			} else if needs != "" {
				p.List = append(p.List, Value{needs, here})
			}
		}
	}
	r.Requirements = append(r.Requirements, p)
}

// fromConda returns a requirement of conda, such as numpy=1.26, as pip writes it. It returns
// "" for what PyPI does not have, and "python 3.10" for the version of Python.
func fromConda(item string) string {
	found := condaPackage.FindStringSubmatch(item)
	if found == nil {
		return ""
	}
	name, wanted := strings.ToLower(found[1]), strings.ReplaceAll(found[2], " ", "")
	exact, isExact := strings.CutPrefix(wanted, "=")
	exact = strings.TrimPrefix(exact, "=")
	version, _, build := strings.Cut(exact, "=") // numpy=1.26.4=py310h5f9d8c6_0
	switch {
	case name == "python":
		return "python " + strings.Trim(wanted, "=")
	case onlyConda[name] || strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "_"):
		return ""
	case inPyPI[name] != "":
		name = inPyPI[name]
	}
	switch {
	case wanted == "":
		return name
	case isExact && !build && !strings.HasPrefix(wanted, "==") && !strings.HasSuffix(version, "*"):
		return name + "==" + version + ".*"
	case isExact:
		return name + "==" + version
	case wanted[0] >= '0' && wanted[0] <= '9':
		return name + "==" + wanted
	}
	return name + wanted
}
