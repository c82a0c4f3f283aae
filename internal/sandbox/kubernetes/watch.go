package kubernetes

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// watchEvent is an event as it is sent.
type watchEvent struct {
	Type   watch.EventType `json:"type"`
	Object any             `json:"object"`
}

// watch sends the changes of the target's objects until the client leaves, the request's
// timeout ends, or the server stops. It returns an error only if nothing was sent.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, t target) error {
	query := r.URL.Query()
	selected, err := parseSelector(t.kind, query)
	if err != nil {
		return err
	}
	after, err := strconv.ParseInt(query.Get("resourceVersion"), 10, 64)
	initial := query.Get("sendInitialEvents") == "true"
	if text := query.Get("resourceVersion"); text == "" || text == "0" || initial {
		after, err = 0, nil
		initial = initial || text == "" || text == "0"
	}
	if err != nil {
		return apierrors.NewBadRequest("invalid resource version " + strconv.Quote(query.Get("resourceVersion")))
	}
	var end <-chan time.Time
	if seconds, err := strconv.Atoi(query.Get("timeoutSeconds")); err == nil && seconds > 0 {
		timer := time.NewTimer(time.Duration(seconds) * time.Second)
		defer timer.Stop()
		end = timer.C
	}
	stream := &watchStream{w: w, as: formOf(r), to: json.NewEncoder(w)}
	workloads := s.refresh(t.kind)
	if initial {
		var items []object
		items, after = s.objects.list(t, selected)
		stream.begin()
		for _, x := range items {
			stream.send(watch.Added, x)
		}
		if query.Get("sendInitialEvents") == "true" {
			stream.bookmark(t.kind, after)
		}
	}
	for {
		changes, revision, changed, err := s.objects.since(t.kind, after)
		if err != nil {
			if !stream.begun {
				return err
			}
			stream.fail(err)
			return nil
		}
		stream.begin()
		for _, c := range changes {
			if is, x, ok := c.event(t, selected); ok {
				stream.send(is, x)
			}
		}
		after = revision
		if stream.flush() != nil {
			return nil //nolint:nilerr // the client has left
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-end:
			return nil
		case <-changed:
		case <-workloads:
			workloads = s.refresh(t.kind)
		}
	}
}

// watchStream writes the events of a watch.
type watchStream struct {
	w     http.ResponseWriter
	as    form
	to    *json.Encoder
	begun bool
	err   error
}

func (s *watchStream) begin() {
	if !s.begun {
		s.w.Header().Set("Content-Type", "application/json")
		s.w.WriteHeader(http.StatusOK)
		s.begun = true
	}
}

func (s *watchStream) write(is watch.EventType, body any) {
	if s.err == nil {
		s.err = s.to.Encode(watchEvent{is, body})
	}
}

func (s *watchStream) send(is watch.EventType, x object) { s.write(is, s.as.one(x)) }

// bookmark tells the client that it has all objects there were.
func (s *watchStream) bookmark(k kind, revision int64) {
	x := k.empty()
	x.GetObjectKind().SetGroupVersionKind(k.gvk())
	x.SetResourceVersion(strconv.FormatInt(revision, 10))
	x.SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	s.send(watch.Bookmark, x)
}

func (s *watchStream) fail(err error) { s.write(watch.Error, statusOf(err)) }

func (s *watchStream) flush() error {
	if s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
	return s.err
}
