package kubernetes

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// logOptions are the options of a request for a log.
type logOptions struct {
	container                    string
	follow, previous, timestamps bool
	tail, limit                  int64 // negative without a limit
	since                        time.Time
}

// log responds with the log of a container of a pod.
func (s *Server) log(w http.ResponseWriter, r *http.Request, pod *corev1.Pod) error {
	o, err := parseLogOptions(r.URL.Query())
	if err != nil {
		return err
	}
	if err := o.choose(pod); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain")
	to := http.NewResponseController(w)
	out := &limited{w: w, left: o.limit}
	begun := o.follow
	if begun { // the client sees at once that there is a log
		w.WriteHeader(http.StatusOK)
		if to.Flush() != nil {
			return nil //nolint:nilerr // the client has left
		}
	}
	err = s.workloads.Lines(r.Context(), pod.Name, o.container, o.tail, o.follow, func(line Line) error {
		begun = true
		if line.Time.Before(o.since) {
			return nil
		}
		text := line.Text + "\n"
		if o.timestamps {
			text = line.Time.UTC().Format(time.RFC3339Nano) + " " + text
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
		if o.follow {
			return to.Flush()
		}
		return nil
	})
	if errors.Is(err, errLimit) || begun {
		return nil // what can be sent was sent
	}
	return err
}

// choose checks that the container has a log, in the words of the API server and the
// kubelet. Without a name it takes the only container.
func (o *logOptions) choose(pod *corev1.Pod) error {
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	switch {
	case o.container == "" && len(names) == 1:
		o.container = names[0]
	case o.container == "":
		return apierrors.NewBadRequest(fmt.Sprintf("a container name must be specified for pod %s, choose one of: [%s]", pod.Name, strings.Join(names, " ")))
	}
	for _, status := range append(append([]corev1.ContainerStatus{}, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		switch {
		case status.Name != o.container:
			continue
		case o.previous:
			return apierrors.NewBadRequest(fmt.Sprintf("previous terminated container %q in pod %q not found", o.container, pod.Name))
		case status.State.Waiting != nil:
			return apierrors.NewBadRequest(fmt.Sprintf("container %q in pod %q is waiting to start: %s", o.container, pod.Name, orNone(status.State.Waiting.Reason)))
		}
		return nil
	}
	return apierrors.NewBadRequest(fmt.Sprintf("container %s is not valid for pod %s", o.container, pod.Name))
}

func parseLogOptions(query url.Values) (*logOptions, error) {
	o := &logOptions{container: query.Get("container"), tail: -1, limit: -1}
	o.follow, _ = strconv.ParseBool(query.Get("follow"))
	o.previous, _ = strconv.ParseBool(query.Get("previous"))
	o.timestamps, _ = strconv.ParseBool(query.Get("timestamps"))
	for name, into := range map[string]*int64{"tailLines": &o.tail, "limitBytes": &o.limit} {
		if !query.Has(name) {
			continue
		}
		number, err := strconv.ParseInt(query.Get(name), 10, 64)
		if err != nil || number < 0 {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("%s: Invalid value: %q: must be greater than or equal to 0", name, query.Get(name)))
		}
		*into = number
	}
	switch {
	case query.Has("sinceSeconds"):
		seconds, err := strconv.ParseInt(query.Get("sinceSeconds"), 10, 64)
		if err != nil || seconds < 1 {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("sinceSeconds: Invalid value: %q: must be greater than 0", query.Get("sinceSeconds")))
		}
		o.since = time.Now().Add(-time.Duration(seconds) * time.Second)
	case query.Has("sinceTime"):
		at, err := time.Parse(time.RFC3339, query.Get("sinceTime"))
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		o.since = at
	}
	return o, nil
}

// errLimit ends a log at its limit.
var errLimit = errors.New("the limit is reached")

// limited is a writer for at most left bytes, or for any number if left is negative.
type limited struct {
	w    io.Writer
	left int64
}

// Write implements io.Writer.
func (l *limited) Write(text []byte) (int, error) {
	if l.left < 0 {
		return l.w.Write(text)
	}
	part := text[:min(int64(len(text)), l.left)]
	n, err := l.w.Write(part)
	l.left -= int64(n)
	if err == nil && len(part) < len(text) {
		err = errLimit
	}
	return n, err
}
