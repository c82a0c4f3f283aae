package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// sitePackages is where a stage has the packages of Python, on the volume.
const sitePackages = "/polyaxon-v1-data/site-packages"

// newPythonStage writes a repository whose image has Python itself and programs, which are modules by their
// names. It starts the sandbox, and puts the packages on its volume.
func newPythonStage(t *testing.T, packages, base string, files, modules map[string]string) *programStage {
	t.Helper()
	s := &programStage{dir: t.TempDir()}
	s.slipway = filepath.Join(s.dir, ".bin", "slipway")
	t.Cleanup(func() { stopSandboxes(t, s.dir) })
	for name, text := range files {
		mustWrite(t, filepath.Join(s.dir, name), text, 0o755)
	}
	for name, module := range modules {
		mustWrite(t, filepath.Join(s.dir, "usr/local/bin", name), "#!/bin/sh\nexec python3 -m "+module+" \"$@\"\n", 0o755)
	}
	unpackPython(t, base, s.dir)
	// With the race detector, reading the image would take ten times longer.
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.slipway, ".").CombinedOutput(); err != nil {
		t.Fatalf("build slipway: %v\n%s", err, out)
	}
	if out, err := s.command(t.Context(), "build").CombinedOutput(); err != nil { // starts the sandbox, which makes the volume
		t.Fatalf("build the image: %v\n%s", err, out)
	}
	linkTree(t, packages, filepath.Join(s.volume(), "site-packages"))
	return s
}

// printedPython matches the line of a page that puts the packages of a lock on a base.
var printedPython = regexp.MustCompile(`(?m)^    python: \{base: .*, requirements: .*$`)

// newPageStage is newPythonStage with the files of a page of docs. All is as printed, but for the line of the
// image with its base and its lock: here the base is Debian's Python, and the packages are on the volume.
func newPageStage(t *testing.T, packages, base string, files, modules map[string]string) *programStage {
	t.Helper()
	config := printedPython.ReplaceAllString(files["slipway.yaml"], `    base: "slipway://root"`)
	if config == files["slipway.yaml"] {
		t.Fatal("slipway.yaml of the page has no image with a base and a lock")
	}
	files["slipway.yaml"] = strings.Replace(config, "images:\n", pythonImage("root", "", ""), 1)
	files["usr/local/bin/python"] = "#!/bin/sh\nexec python3 \"$@\"\n"
	return newPythonStage(t, packages, base, files, modules)
}

// pythonImage returns the section of a slipway.yaml with an image, with files of the repository beside Python
// and, unless it is empty, one more variable.
func pythonImage(name, files, variable string) string {
	variables := "HOME: /tmp, PATH: /usr/local/bin:/usr/bin, PYTHONPATH: " + sitePackages + ", PYTHONDONTWRITEBYTECODE: '1'"
	if variable != "" {
		variables += ", " + variable
	}
	return "images:\n  " + name + ":\n    files: [usr/, bin, lib, lib64, " + files + "]\n    workdir: /\n    env: {" + variables + "}\n"
}

// volume returns the directory of the sandbox's volume.
func (s *programStage) volume() string {
	return filepath.Join(s.dir, ".slipway", "sandbox", "volumes", "polyaxon-v1-data")
}

// deploy deploys, and returns the result, as it is printed, too, and what was said meanwhile.
func (s *programStage) deploy(t *testing.T) (result report.Result, printed, told string) {
	t.Helper()
	command := s.command(t.Context(), "deploy", "-o", "json")
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil || len(result.Jobs) == 0 {
		t.Fatalf("deploy: %v\n%s\n%s", err, out, said.String())
	}
	return result, string(out), said.String()
}
