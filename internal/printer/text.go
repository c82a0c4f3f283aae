// Package printer prints a Result as text, JSON, Markdown or SARIF, and events as lines or
// as a live view of the active steps.
package printer

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Text writes the results in r for users. Steps and errors are not part of it, as events
// have already reported them.
func Text(w io.Writer, r *report.Result, on Page) error {
	out := &page{Page: on, terminal: on.Columns > 0}
	if !out.terminal {
		out.Columns = unknownWidth
	}
	if r.Text != "" {
		out.WriteString(r.Text)
		if !strings.HasSuffix(r.Text, "\n") {
			out.WriteString("\n")
		}
	}
	for _, section := range []func(*page, *report.Result){
		textProblems, textChecks, textImages, textSecrets, textVolumes, textCluster, textJobs, textManifests, textRuns, textArtifacts, textSandbox, textCredentials, textInit, textDashboards,
	} {
		section(out, r)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// EscapeLines returns text from a server so that it is safe to print. It treats each line as
// logline.Sanitize treats a job's.
func EscapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = logline.Sanitize(line)
	}
	return strings.Join(lines, "\n")
}

func textImages(w *page, r *report.Result) {
	if len(r.Images) == 0 {
		return
	}
	table := w.table(column{title: "IMAGE", cut: 1}, column{title: "ACTION"}, column{title: "SIZE"}, column{title: "CREATED", spare: 1},
		column{title: "TAGS", below: true}, column{title: "REFERENCE", below: true})
	for _, i := range r.Images {
		created := ""
		if i.Created != nil {
			created = i.Created.Format("2006-01-02 15:04")
		}
		size := ""
		if i.Bytes > 0 {
			size = Bytes(i.Bytes)
		}
		table.row(i.Name, i.Action, size, created, strings.Join(i.Tags, ","), i.Reference)
	}
	table.end()
	for _, i := range r.Images {
		if len(i.Changed) > 0 {
			w.line("%s: changed since its last image: %s", i.Name, firstChanges(i.Changed))
		}
	}
}

// shownChanges is the maximum number of changes that are listed for an image.
const shownChanges = 8

// firstChanges joins at most shownChanges of all, and says how many more there are.
func firstChanges(all []string) string {
	if len(all) <= shownChanges {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(all[:shownChanges], ", "), len(all)-shownChanges)
}

func textSecrets(w *page, r *report.Result) {
	if r.CreateNamespace != "" {
		w.line("namespace %s: create", r.CreateNamespace)
	}
	if len(r.Secrets) == 0 {
		return
	}
	table := w.table(column{title: "SECRET", cut: 1}, column{title: "ACTION"}, column{title: "KEYS", below: true})
	for _, s := range r.Secrets {
		keys := make([]string, 0, len(s.Keys))
		for key, action := range s.Keys {
			keys = append(keys, key+"=*** ("+action+")")
		}
		sort.Strings(keys)
		table.row(s.Name, s.Action, strings.Join(keys, ", "))
	}
	table.end()
}

func textVolumes(w *page, r *report.Result) {
	if len(r.Volumes) == 0 {
		return
	}
	table := w.table(column{title: "CLAIM", cut: 1}, column{title: "ACTION"}, column{title: "SIZE"}, column{title: "ACCESS"}, column{title: "CLASS", cut: 2}, column{title: "STATUS"})
	for _, v := range r.Volumes {
		table.row(v.Claim, v.Action, v.Size, v.Access, v.Class, v.Status)
	}
	table.end()
}

func textJobs(w *page, r *report.Result) {
	for _, j := range r.Jobs {
		w.painted(failed(j.Status), "%s: %s", j.Name, jobLine(j))
		for _, name := range sortedNames(j.Metrics) {
			w.line("  %s = %s", name, number(j.Metrics[name]))
		}
		if j.Address != "" {
			w.line("  address: %s", j.Address)
		}
		if len(j.Outputs) > 0 {
			w.line("  outputs: %s", strings.Join(j.Outputs, ", "))
			w.line("    in %s", j.OutputsAt)
		}
		if isMatrix(&j) {
			textMatrix(w, &j)
		}
		if j.Diff != "" {
			w.block(j.Diff, "  ")
		}
	}
}

func jobLine(j report.Job) string {
	parts := []string{}
	if j.Action != "" {
		parts = append(parts, j.Action)
	}
	if j.Status != "" {
		parts = append(parts, j.Status)
	}
	if j.UUID != "" {
		parts = append(parts, "run "+j.UUID)
	}
	if j.Times != nil {
		parts = append(parts, fmt.Sprintf("ran %s, waited %s", seconds(j.Running), seconds(j.Queued)))
	}
	if j.Cost != nil {
		parts = append(parts, "cost "+formatCost(j.Cost))
	}
	if j.Message != "" && (len(j.Runs) > 0 || j.Status == "") { // events and the error say why a run failed

		parts = append(parts, j.Message)
	}
	return strings.Join(parts, ", ")
}

func textRuns(w *page, r *report.Result) {
	switch {
	case len(r.Runs) == 0:
	case len(r.Runs) == 1 && r.Runs[0].History != nil:
		textRun(w, r.Runs[0])
	default:
		table := w.table(column{title: "RUN"}, column{title: "NAME", cut: 4}, column{title: "KIND", cut: 2, spare: 2}, column{title: "STATUS"},
			column{title: "CREATED", spare: 3}, column{title: "AGE", spare: 4}, column{title: "RAN"}, column{title: "GPUS"}, column{title: "COST"},
			column{title: "OWNER", cut: 1, spare: 1}, column{title: "ADDRESS", below: true})
		for _, run := range r.Runs {
			created := ""
			if run.Created != nil {
				created = run.Created.Format("2006-01-02 15:04")
			}
			age, ran, gpus, cost := "", "", "", ""
			if run.Times != nil {
				ran = seconds(run.Running)
			}
			if run.Age > 0 {
				age = Age(run.Age)
			}
			if run.GPUs > 0 {
				gpus = strconv.Itoa(run.GPUs)
			}
			if run.Cost != nil {
				cost = run.Cost.String()
			}
			table.row(shortID(run.UUID), run.RunName, run.Kind, run.Status, created, age, ran, gpus, cost, run.Owner, run.Address)
		}
		table.end()
	}
}

func textRun(w *page, run report.Run) {
	w.painted(failed(run.Status), "run %s (%s, %s): %s", run.UUID, run.RunName, run.Kind, run.Status)
	if run.Pending != "" {
		w.line("  waiting for %s: run slipway approve %s to continue", run.Pending, run.UUID)
	}
	failure := ""
	if run.Failure != nil {
		failure = run.Failure.Text
	}
	for n, t := range run.History {
		message := firstLine(t.Message)
		if n == len(run.History)-1 && failure != "" && t.Status == run.Status {
			message, failure = failure, "" // the same cause, with a hint
		}
		w.line("  %s %-12s %s", t.Time.Format("15:04:05"), t.Status, strings.TrimSpace(t.Reason+" "+message))
	}
	for _, name := range sortedNames(run.Metrics) {
		w.line("  %s = %s", name, number(run.Metrics[name]))
	}
	switch t := run.Times; {
	case t == nil:
	case t.Pulling == nil:
		w.line("  waited %s until it ran (the share of its images is unknown), ran %s", seconds(t.Queued), seconds(t.Running))
	default:
		w.line("  queued %s, pulled its images for %s, ran %s", seconds(t.Queued), seconds(t.Pulling), seconds(t.Running))
	}
	if run.Cost != nil {
		w.line("  cost: %s", formatCost(run.Cost))
	}
	if failure != "" {
		w.line("  failed: %s", failure)
	}
	if run.Address != "" {
		w.line("  address: %s", run.Address)
	}
	if len(run.Outputs) > 0 {
		w.line("  outputs: %s", strings.Join(run.Outputs, ", "))
		w.line("    in %s", run.OutputsAt)
	}
}

func textArtifacts(w *page, r *report.Result) {
	if len(r.Artifacts) == 0 {
		return
	}
	table := w.table(column{title: "ARTIFACT"}, column{title: "SIZE"}, column{title: "SAVED AS", below: true})
	for _, a := range r.Artifacts {
		table.row(a.Path, Bytes(a.Bytes), a.SavedAs)
	}
	table.end()
}

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

// Count returns a number of things, such as "1 run" or "2 runs".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Age formats an age in seconds: in days and hours, hours and minutes, minutes, or
// seconds.
func Age(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd %dh", int(d.Hours())/24, int(d.Hours())%24)
}

func sortedNames(m map[string]float64) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// number formats a metric with four significant digits, which is enough to compare runs.
func number(v float64) string { return fmt.Sprintf("%.4g", v) }

// seconds formats a duration in seconds, or returns "unknown" for nil.
func seconds(s *float64) string {
	if s == nil {
		return "unknown"
	}
	d := time.Duration(*s * float64(time.Second))
	if d < time.Minute {
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// formatCost formats a cost, with the reason if it is unknown.
func formatCost(c *report.Cost) string {
	if c.Unknown == "" {
		return c.String()
	}
	return c.String() + " (" + c.Unknown + ")"
}
