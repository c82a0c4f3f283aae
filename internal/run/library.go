package run

import "github.com/slipway-ci/slipway/internal/lazyregexp"

// missingLibrary matches what the loader says of a shared library that an image does not have:
// dlerror(3).
var missingLibrary = lazyregexp.New(`\b(lib[A-Za-z0-9_.+-]*\.so(?:\.[0-9]+)*): cannot open shared object file`)

// libraryPackages are the Debian packages of libraries that Python packages need and do not bring.
var libraryPackages = map[string]string{
	"libGL.so.1": "libgl1", "libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2", "libGLU.so.1": "libglu1-mesa", "libOpenGL.so.0": "libopengl0",
	"libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0", "libgomp.so.1": "libgomp1", "libgfortran.so.5": "libgfortran5", "libopenblas.so.0": "libopenblas0",
	"libSM.so.6": "libsm6", "libICE.so.6": "libice6", "libX11.so.6": "libx11-6", "libXext.so.6": "libxext6", "libXrender.so.1": "libxrender1", "libxcb.so.1": "libxcb1",
	"libsndfile.so.1": "libsndfile1", "libportaudio.so.2": "libportaudio2", "libpq.so.5": "libpq5", "libmariadb.so.3": "libmariadb3", "libodbc.so.2": "libodbc2", "libxml2.so.2": "libxml2",
}

// libraryHint returns what to do if the last lines of a run name a library that its image does not
// have, and "" otherwise.
func libraryHint(lines []string) string {
	m := firstMatch(missingLibrary, lines)
	if m == nil {
		return ""
	}
	if name, ok := libraryPackages[m[1]]; ok {
		return "the image does not have " + m[1] + ": add the Debian package " + name + " to it in slipway.yaml: system: [" + name + "]"
	}
	return "the image does not have " + m[1] + ": add the Debian package that has it to the image in slipway.yaml, under system (apt-file search " + m[1] + " names it)"
}
