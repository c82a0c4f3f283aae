package survey

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

var (
	condaItem    = lazyregexp.New(`^(\s*)-\s+["']?([^"'#\s][^#\n]*?)["']?\s*(?:#.*)?$`)
	condaPackage = lazyregexp.New(`^(?:[\w.-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*(.*)$`)
)

// onlyConda matches packages that PyPI does not have, or that wheels bring with them: those
// that conda env export adds to every environment are among them.
var onlyConda = lazyregexp.New(`^(?:_.*|lib.*|r-.*|cuda-.*|aws-c-.*|aws-sdk-.*|gst-.*|gstreamer|xorg-.*|xcb-.*|font-.*|fonts-.*|ld_impl_.*|vc\d*(?:_.*)?|vs20.*|ucrt|msys2-.*|m2w64-.*` +
	`|pip|setuptools|wheel|conda|conda-.*|python_abi|cudatoolkit|cudnn|cuda|pytorch-cuda|pytorch-mutex|cpuonly|nccl|mkl|mkl-service|mkl_fft|mkl_random|openblas|blas|intel-openmp|llvm-openmp|tbb` +
	`|openssl|ca-certificates|certificates|nodejs|yarn|git|gcc.*|gxx.*|gfortran.*|binutils.*|make|cmake|ninja-base|ffmpeg|openjdk|perl|icu|jpeg|jpeg-turbo|ncurses|readline|sqlite|tk|tzdata|xz|zlib|zlib-ng` +
	`|bzip2|freetype|lcms2|lerc|giflib|openjpeg|zstd|lz4-c|snappy-c|krb5|c-ares|gflags|glog|re2|orc|s2n|nspr|nss|qt|qt-.*|qt6-.*|dbus|expat|fontconfig|glib|glib-tools|gettext|pcre|pcre2|x264|x265|gmp|gnutls|nettle|lame` +
	`|openh264|hdf5|cairo|harfbuzz|graphite2|pixman|jasper|alsa-lib|attr|keyutils|mpfr|mpc|mysql-.*|numpy-base|pthread-stubs|utf8proc|unixodbc|yaml|zeromq|zfp|blosc|brunsli|charls|dav1d|aom|svt-av1|rav1e|eigen|bazel|boost-cpp)$`)

// partOfConda matches packages that every environment has.
var partOfConda = lazyregexp.New(`^(?:pip|setuptools|wheel|python_abi|ld_impl_[\w-]*|_[\w-]*)(?:\W|$)`)

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
			if strings.HasPrefix(item, "-") || isElsewhere(item) {
				p.Dropped = append(p.Dropped, Value{Masked(item), here})
			} else {
				p.List = append(p.List, Value{item, here})
			}
		default:
			pip = -1
			if needs := fromConda(item); strings.HasPrefix(needs, "python ") {
				r.python(Value{strings.TrimPrefix(needs, "python "), here}, true)
			} else if needs != "" {
				p.List = append(p.List, Value{needs, here})
			} else if !partOfConda.MatchString(item) {
				p.Dropped = append(p.Dropped, Value{item, here})
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
	if fields := strings.Fields(found[2]); len(fields) > 0 && fields[0][0] >= '0' && fields[0][0] <= '9' {
		wanted = fields[0] // numpy 1.26.4 py310h5f9d8c6_0
	}
	wanted, _, _ = strings.Cut(wanted, "[") // numpy[version='>=1.2'] and the channel of a build
	exact, isExact := strings.CutPrefix(wanted, "=")
	exact = strings.TrimPrefix(exact, "=")
	version, _, build := strings.Cut(exact, "=") // numpy=1.26.4=py310h5f9d8c6_0
	switch {
	case name == "python" && isExact:
		return "python " + version
	case name == "python":
		return "python " + wanted
	case onlyConda.MatchString(name):
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
