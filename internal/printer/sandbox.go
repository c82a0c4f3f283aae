package printer

import "github.com/slipway-ci/slipway/tasks/report"

func textSandbox(w *page, r *report.Result) {
	s := r.Sandbox
	switch {
	case s == nil:
	case !s.Running:
		w.line("the sandbox in %s is not running (%s on disk); the next command that needs it starts it", s.Directory, Bytes(s.Bytes))
	default:
		w.line("the sandbox in %s runs as process %d, %s alive, %s on disk", s.Directory, s.PID, Count(s.ActiveRuns, "run"), Bytes(s.Bytes))
		for _, one := range [][2]string{{"registry", s.Registry}, {"kubernetes", s.Kubernetes}, {"polyaxon", s.Polyaxon}, {"platform", s.Platform}} {
			w.line("  %-10s  %s", one[0], one[1])
		}
		if s.Isolated {
			w.line("  jobs run isolated, in namespaces of their own")
		} else {
			w.line("  jobs are not isolated from this machine: %s", s.Isolation)
		}
	}
}
