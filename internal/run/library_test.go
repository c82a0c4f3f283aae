package run_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/run"
)

// A job that ends because its image lacks a library, a module or a program is told which package has it.
func TestMissingLibrary(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"ImportError: libGL.so.1: cannot open shared object file: No such file or directory":                 "the image does not have libGL.so.1: add the Debian package libgl1 to it in slipway.yaml: system: [libgl1]",
		"OSError: /usr/lib/x.so: libother-1.so.2: cannot open shared object file: No such file or directory": "apt-file search libother-1.so.2 names it",
		"ModuleNotFoundError: No module named 'sklearn.ensemble'":                                            "the Python module sklearn.ensemble: add the package scikit-learn to the requirements",
		"ModuleNotFoundError: No module named 'shop'":                                                        "add the package shop to the requirements of the image and lock them again; if the module is of this repository, add it to files",
		"log: ModuleNotFoundError: No module named 'shop' was ignored":                                       "",
		"ImportError: No module named cv2":                                                                   "",
		"bash: line 1: jupyter: command not found":                                                           "the program jupyter: add the package jupyterlab to the requirements of the image and lock them again",
		"sh: 1: ffmpeg: not found":                                                                           "the program ffmpeg: correct the command, or add what brings it to the image",
		"/bin/sh: uvicorn: not found":                                                                        "the program uvicorn: add the package uvicorn",
		`exec: "streamlit": executable file not found in $PATH: unknown`:                                     "the program streamlit: add the package streamlit",
		"executable file `tensorboard` not found in $PATH: No such file or directory":                        "the program tensorboard: add the package tensorboard",
		"page: not found": "",
	} {
		for _, status := range []string{"failed", "succeeded"} {
			s, c := &scriptedServer{t: t, printed: []record{{start, "a", "polyaxon-main", words}}, shown: 1, archived: 1}, &clock{now: start.Add(time.Minute)}
			s.reach("running", "", "")
			s.reach(status, "", "")
			sink, _, err := follow(t, s, c, run.FollowOptions{Logs: true})
			if err != nil {
				t.Fatal(err)
			}
			told := slices.ContainsFunc(sink.notes, func(note string) bool {
				return strings.Contains(note, "the image does not have") && strings.Contains(note, want)
			})
			if told != (want != "" && status == "failed") {
				t.Errorf("%s, %s: %q", words, status, sink.notes)
			}
		}
	}
}
