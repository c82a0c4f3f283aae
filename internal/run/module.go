package run

import (
	"cmp"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// missingModule matches what Python says of a module that it does not find.
var missingModule = lazyregexp.New(`^ModuleNotFoundError: No module named '([A-Za-z0-9_.]+)'`)

// modulePackages are the packages of well-known modules that have another name.
var modulePackages = map[string]string{
	"cv2": "opencv-python-headless", "sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow", "skimage": "scikit-image", "dotenv": "python-dotenv", "dateutil": "python-dateutil",
}

// moduleHint returns what to do if the last lines of a run name a Python module that its image does not
// have, and "" otherwise.
func moduleHint(lines []string) string {
	m := firstMatch(missingModule, lines)
	if m == nil {
		return ""
	}
	module, _, _ := strings.Cut(m[1], ".")
	return "the image does not have the Python module " + m[1] + ": add the package " + cmp.Or(modulePackages[module], module) + " to the requirements of the image and lock them again; " +
		"if the module is of this repository, add it to files of the image, and the directory above it to PYTHONPATH (env: {PYTHONPATH: /app/src})"
}
