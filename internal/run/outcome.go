package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// maxFiles is the maximum number of files of a run that are listed.
const maxFiles = 10_000

// Outcome is all that is known of a run, usually after its end.
type Outcome struct {
	Run        polyaxon.Run
	Conditions []polyaxon.Condition
	// Metrics are the last values of the metrics, by name. They are finite. A name that several
	// sources have gets the value of the first of Polyaxon, metrics.json of the outputs, and the log.
	Metrics map[string]float64
	// NotFinite are the sorted names of metrics whose last value is not finite. No other value stands for it.
	NotFinite []string
	// MetricWarnings say what is wrong with the metrics, and which could not be read.
	MetricWarnings []string
	// Unread say which sources of metrics could not be read, and why. They are among MetricWarnings.
	Unread []string
	// Outputs are the paths of the run's output files, relative to its outputs.
	Outputs []string
	// LastLines are the last lines of the main container, or of the container that failed
	// (see Failure.LinesContainer), at most 20.
	LastLines []string
	Times
	// Failure describes the container that made the run fail. It is nil if that is not
	// known, or if the run did not fail.
	Failure *Failure
}

// Reason returns the reason and the message of the last condition.
func (o *Outcome) Reason() (reason, message string) {
	if n := len(o.Conditions); n > 0 {
		return o.Conditions[n-1].Reason, o.Conditions[n-1].Message
	}
	return "", ""
}

// Image returns the image of the run's main container as its operation names it, or "".
func (o *Outcome) Image() string {
	var operation struct {
		Run struct{ Container struct{ Image string } }
	}
	_ = json.Unmarshal([]byte(o.Run.Content), &operation) // without an image there is none to name
	return operation.Run.Container.Image
}

// Summarize returns all that is known of a run, also from its pods if cluster is not nil
// and lets them be read.
func Summarize(ctx context.Context, c *polyaxon.Client, t Target, cluster Cluster) (*Outcome, error) {
	var pods []corev1.Pod
	if cluster != nil {
		pods, _ = cluster.RunPods(ctx, t.UUID) // without pods, the conditions count
	}
	return summarize(ctx, c, t, pods, nil)
}

// summarize returns all that is known of a run, given the pods that were last seen, and the metrics
// of its log. If these are nil, it reads them from the archive of the log.
func summarize(ctx context.Context, c *polyaxon.Client, t Target, pods []corev1.Pod, logged *metrics.Source) (*Outcome, error) {
	o := &Outcome{}
	// The user waits for the end of a run, so send all requests at once.
	group, asking := panics.WithContext(ctx)
	var status polyaxon.Status
	group.Go(func() error {
		run, err := c.Run(asking, t.Project, t.UUID)
		if err == nil {
			o.Run = *run
		}
		return err
	})
	group.Go(func() (err error) {
		status, o.Conditions, err = c.Statuses(asking, t.Project, t.UUID)
		return err
	})
	// Metrics and outputs are optional: their errors do not change how the run ended.
	var tracked, written *metrics.Source
	group.Go(func() error {
		tracked = trackedMetrics(asking, c, t)
		return nil
	})
	group.Go(func() error {
		files, err := walk(asking, c, t, "outputs")
		for _, f := range files {
			o.Outputs = append(o.Outputs, f.Path[len("outputs/"):])
		}
		written = writtenMetrics(asking, c, t, files, err)
		return nil
	})
	if logged == nil {
		group.Go(func() error {
			logged = loggedMetrics(asking, c, t, maxMetricsLog)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.Metrics, o.NotFinite, o.MetricWarnings = metrics.Combine(tracked, written, logged)
	o.Unread = metrics.Unread(tracked, written, logged)
	o.Run.Status = status
	o.Times = TimesOf(&o.Run, o.Conditions, pods, c.Time())
	o.Failure = failure(status, o.Conditions, pods)
	return o, nil
}

// File is one file of a run. Path is relative to the run's root, and Size is in bytes.
type File struct {
	Path string
	Size int64
}

// Artifacts returns the files of a run, sorted by path, without its logs. It returns an
// error if there are more than 10,000.
func Artifacts(ctx context.Context, c *polyaxon.Client, t Target) ([]File, error) {
	return walk(ctx, c, t, "")
}

// walk returns the files below root, sorted by path. It returns none if root does not
// exist.
func walk(ctx context.Context, c *polyaxon.Client, t Target, root string) ([]File, error) {
	var found []File
	directories := []string{root}
	for len(directories) > 0 {
		directory := directories[0]
		directories = directories[1:]
		files, subs, err := c.Tree(ctx, t.artifact(directory))
		if polyaxon.IsNotFound(err) && directory == root {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for name, size := range files {
			found = append(found, File{Path: path.Join(directory, name), Size: size})
		}
		for _, sub := range subs {
			if directory == "" && (sub == "plxlogs" || sub == ".tmpplxlogs") {
				continue
			}
			directories = append(directories, path.Join(directory, sub))
		}
		if len(found)+len(directories) > maxFiles {
			return nil, fmt.Errorf("run %s has more than %d files", t.UUID, maxFiles)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Path < found[j].Path })
	return found, nil
}

// confirmLimit is how long Stop waits until a run is seen stopping.
const confirmLimit = 5 * time.Second

// Stop requests that a run be stopped, and waits until it is stopping or has ended. It
// returns an error if that takes more than 5 s.
func Stop(ctx context.Context, c *polyaxon.Client, t Target) error {
	ctx, cancel := context.WithTimeoutCause(ctx, confirmLimit, errors.New("the server did not confirm it in time"))
	defer cancel()
	if err := c.Stop(ctx, t.Project, t.UUID); err != nil {
		return err
	}
	for wait := firstPoll; ; wait = min(wait*2, time.Second) {
		status, _, err := c.Statuses(ctx, t.Project, t.UUID)
		if err == nil && (status == polyaxon.Stopping || status.Terminal()) {
			return nil
		}
		if err != nil && !polyaxon.Temporary(err) && ctx.Err() == nil {
			return err
		}
		if clock.Sleep(ctx, wait) != nil {
			return context.Cause(ctx)
		}
	}
}

// AwaitService waits until a service is running or has ended, and returns the run. Each time it has looked, it calls
// waits with the reason why the service does not run yet, "" if that is unknown. It also waits for a service that
// cannot be scheduled, since the cluster may be adding a node for it.
func AwaitService(ctx context.Context, c *polyaxon.Client, t Target, waits func(why string)) (*polyaxon.Run, error) {
	why := ""
	for wait := firstPoll; ; wait = min(wait*3/2, time.Second) {
		r, err := c.Run(ctx, t.Project, t.UUID)
		switch {
		case err != nil && (ctx.Err() != nil || !polyaxon.Temporary(err)):
			return nil, err
		case err == nil && (r.Status == polyaxon.Running || r.Status.Terminal()):
			return r, nil
		case err == nil:
			_, conditions, err := c.Statuses(ctx, t.Project, t.UUID)
			if err != nil || len(conditions) == 0 {
				break
			}
			last := conditions[len(conditions)-1]
			why = conditionWaits(last)
			if mayBePending(r.Status) && r.Pending != "" {
				why = pendingFor(r.Pending, t.UUID)
			}
		}
		waits(why)
		if err := clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}
