package printer

import "github.com/slipway-ci/slipway/tasks/report"

func textCredentials(w *page, r *report.Result) {
	c := r.Credentials
	if c == nil || c.Kubeconfig == "" {
		return
	}
	state := "is written to"
	if !c.Changed {
		state = "is up to date in"
	}
	w.line("context %s %s %s", c.Context, state, c.Kubeconfig)
	if c.Current {
		w.line("  kubectl get pods")
	} else {
		w.line("  kubectl --context %s get pods", c.Context)
	}
	if c.Registry != "" {
		w.line("registry %s: log in with one of", c.Registry)
		for _, login := range c.Logins {
			w.line("  %s", login)
		}
	}
}
