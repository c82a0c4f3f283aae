package report

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slipway-ci/slipway/internal/run"
)

// Text writes what r found, for people. Steps and errors have been told by
// events already; what is left are the results themselves.
func Text(w io.Writer, r *Result) error {
	out := &strings.Builder{}
	if r.Text != "" {
		out.WriteString(r.Text)
		if !strings.HasSuffix(r.Text, "\n") {
			out.WriteString("\n")
		}
	}
	sections := []func(io.Writer, *Result){textProblems, textImages, textSecrets, textJobs, textRuns, textArtifacts, textSandbox}
	found := &strings.Builder{}
	for _, section := range sections {
		section(found, r)
	}
	out.WriteString(Brief(Harmless(found.String())))
	_, err := io.WriteString(w, out.String())
	return err
}

// Harmless gives text that a server may have told in a form that can be printed, each
// line as run.Sanitize gives a job's.
func Harmless(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = run.Sanitize(line)
	}
	return strings.Join(lines, "\n")
}

// oneLine gives a name that a job may have chosen as one line, and one cell of a table:
// a line of its own could pass for slipway's.
func oneLine(name string) string { return lineEnds.Replace(name) }

var lineEnds = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// below gives a message whose further lines are indented, for the same reason.
func below(message string) string { return strings.ReplaceAll(message, "\n", "\n  ") }

func textImages(w io.Writer, r *Result) {
	if len(r.Images) == 0 {
		return
	}
	table := newTable(w, "IMAGE", "ACTION", "SIZE", "CREATED", "TAGS", "REFERENCE")
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
			fmt.Fprintf(w, "%s: changed since its last image: %s\n", i.Name, some(i.Changed))
		}
	}
}

// shownChanges is how many changes of an image are listed.
const shownChanges = 8

// some lists the first of many.
func some(all []string) string {
	if len(all) <= shownChanges {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(all[:shownChanges], ", "), len(all)-shownChanges)
}

func textSecrets(w io.Writer, r *Result) {
	if r.Namespace != "" {
		fmt.Fprintf(w, "namespace %s: create\n", r.Namespace)
	}
	if len(r.Secrets) == 0 {
		return
	}
	table := newTable(w, "SECRET", "ACTION", "KEYS")
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

func textJobs(w io.Writer, r *Result) {
	for _, j := range r.Jobs {
		fmt.Fprintf(w, "%s: %s\n", j.Name, jobLine(j))
		for _, name := range sortedNames(j.Metrics) {
			fmt.Fprintf(w, "  %s = %s\n", oneLine(name), number(j.Metrics[name]))
		}
		if j.Address != "" {
			fmt.Fprintf(w, "  address: %s\n", j.Address)
		}
		if len(j.Outputs) > 0 {
			fmt.Fprintf(w, "  outputs: %s\n    in %s\n", oneLine(strings.Join(j.Outputs, ", ")), j.OutputsAt)
		}
		if j.isMatrix() {
			textMatrix(w, &j)
		}
		if j.Diff != "" {
			fmt.Fprint(w, indent(j.Diff, "  "))
		}
	}
}

func jobLine(j Job) string {
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
		parts = append(parts, "cost "+j.Cost.explained())
	}
	if j.Message != "" && (j.Status != "succeeded" || len(j.Runs) > 0) {
		parts = append(parts, below(j.Message))
	}
	return strings.Join(parts, ", ")
}

func textRuns(w io.Writer, r *Result) {
	switch {
	case len(r.Runs) == 0:
	case len(r.Runs) == 1 && r.Runs[0].History != nil:
		textRun(w, r.Runs[0])
	default:
		table := newTable(w, "RUN", "NAME", "KIND", "STATUS", "CREATED", "AGE", "RAN", "GPUS", "COST", "OWNER", "ADDRESS")
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

func textRun(w io.Writer, run Run) {
	fmt.Fprintf(w, "run %s (%s, %s): %s\n", run.UUID, oneLine(run.RunName), run.Kind, run.Status)
	if run.Pending != "" {
		fmt.Fprintf(w, "  waits for %s: slipway approve %s has it go on\n", run.Pending, run.UUID)
	}
	for _, t := range run.History {
		fmt.Fprintf(w, "  %s %-12s %s\n", t.Time.Format("15:04:05"), t.Status, strings.TrimSpace(t.Reason+" "+firstLine(t.Message)))
	}
	for _, name := range sortedNames(run.Metrics) {
		fmt.Fprintf(w, "  %s = %s\n", oneLine(name), number(run.Metrics[name]))
	}
	switch t := run.Times; {
	case t == nil:
	case t.Pulling == nil:
		fmt.Fprintf(w, "  waited %s until it ran (how much of it for its images is unknown), ran %s\n", seconds(t.Queued), seconds(t.Running))
	default:
		fmt.Fprintf(w, "  queued %s, pulled its images for %s, ran %s\n", seconds(t.Queued), seconds(t.Pulling), seconds(t.Running))
	}
	if run.Cost != nil {
		fmt.Fprintf(w, "  cost: %s\n", run.Cost.explained())
	}
	if run.Failure != nil {
		fmt.Fprintf(w, "  failed: %s\n", below(run.Failure.Text))
	}
	if run.Address != "" {
		fmt.Fprintf(w, "  address: %s\n", run.Address)
	}
	if len(run.Outputs) > 0 {
		fmt.Fprintf(w, "  outputs: %s\n    in %s\n", oneLine(strings.Join(run.Outputs, ", ")), run.OutputsAt)
	}
}

func textArtifacts(w io.Writer, r *Result) {
	if len(r.Artifacts) == 0 {
		return
	}
	table := newTable(w, "ARTIFACT", "SIZE", "SAVED AS")
	for _, a := range r.Artifacts {
		table.row(a.Path, Bytes(a.Bytes), a.SavedAs)
	}
	table.end()
}

func textSandbox(w io.Writer, r *Result) {
	s := r.Sandbox
	switch {
	case s == nil:
	case !s.Running:
		fmt.Fprintf(w, "the sandbox in %s is not running (%s on disk); the next command that needs it starts it\n", s.Directory, Bytes(s.Bytes))
	default:
		fmt.Fprintf(w, "the sandbox in %s runs as process %d, %s alive, %s on disk\n", s.Directory, s.PID, Count(s.ActiveRuns, "run"), Bytes(s.Bytes))
		fmt.Fprintf(w, "  registry    %s\n  kubernetes  %s\n  polyaxon    %s\n  platform    %s\n", s.Registry, s.Kubernetes, s.Polyaxon, s.Platform)
		if s.Isolated {
			fmt.Fprintln(w, "  jobs run isolated, in namespaces of their own")
		} else {
			fmt.Fprintf(w, "  jobs are not isolated from this machine: %s\n", s.Isolation)
		}
	}
}

// Count gives a number of things: 1 run, 2 runs.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Age tells how many seconds something is old, in its two largest units: 3d 4h.
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

// table aligns rows and leaves out columns that are empty in every row.
type table struct {
	w      io.Writer
	header []string
	rows   [][]string
}

func newTable(w io.Writer, header ...string) *table { return &table{w: w, header: header} }

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) end() {
	used := func(column int) bool {
		return slices.ContainsFunc(t.rows, func(row []string) bool { return row[column] != "" })
	}
	tw := tabwriter.NewWriter(t.w, 0, 4, 2, ' ', 0)
	for _, row := range append([][]string{t.header}, t.rows...) {
		var cells []string
		for column, cell := range row {
			if used(column) {
				cells = append(cells, cell)
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	_ = tw.Flush()
}

func sortedNames(m map[string]float64) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// number prints a metric: four significant digits are what people compare.
func number(v float64) string { return fmt.Sprintf("%.4g", v) }

// seconds gives a time as people read it, and says when it is not known.
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

func indent(s, by string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return by + strings.Join(lines, "\n"+by) + "\n"
}
