package container

import (
	"testing"
)

func TestRun(t *testing.T) {
	for mode, setup := range modes {
		t.Run(mode, func(t *testing.T) {
			r, image := setup(t)
			for _, test := range []struct {
				name string
				spec Spec
				out  string
				exit Exit
			}{
				{"image's command", Spec{}, "from the image\n", Exit{}},
				{"own arguments", Spec{Args: []string{"echo", "hello"}}, "hello\n", Exit{}},
				{"own command drops the image's arguments", Spec{Command: []string{"probe"}}, "probe\n", Exit{}},
				{"relative command", Spec{Command: []string{"./probe", "echo", "1"}}, "1\n", Exit{}},
				{"environment", Spec{Env: []string{"A=1", "A=2", "B=x=y"}, Args: []string{"env", "A", "B", "COLOUR", "PWD"}}, "A=2\nB=x=y\nCOLOUR=blue\nPWD=\n", Exit{}},
				{"both outputs in order", Spec{Args: []string{"both"}}, "to stdout\nto stderr\n", Exit{}},
				{"exit code", Spec{Args: []string{"exit", "3"}}, "", Exit{Code: 3}},
				{"much output", Spec{Args: []string{"all", "exit", "0"}}, "", Exit{}},
			} {
				t.Run(test.name, func(t *testing.T) {
					test.spec.Image = image
					l := mustLaunch(t, r, test.spec)
					if exit := l.end(t); exit != test.exit {
						t.Errorf("exit %+v, want %+v", exit, test.exit)
					}
					if out := l.out.String(); out != test.out {
						t.Errorf("wrote %q, want %q", out, test.out)
					}
				})
			}
		})
	}
}
