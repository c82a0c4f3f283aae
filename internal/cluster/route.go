package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/slipway-ci/slipway/internal/clock"
)

const (
	// pollEvery is how often the pods are listed where they may not be watched.
	pollEvery = 2 * time.Second
	// lookEvery is the least time between two lists of the pods.
	lookEvery = 100 * time.Millisecond
	// longestPause is the longest pause between two attempts to connect again.
	longestPause = 5 * time.Second
)

// Route leads to a pod of a Service that is ready, and to another one when that pod goes
// away. It keeps a connection to the pod open, so that the first request does not wait for
// one. OpenRoute makes a Route, and Follow keeps it.
type Route struct {
	service *Service
	tunnels pool
	// look wakes Follow.
	look chan struct{}

	mu  sync.Mutex
	pod *routePod // nil if no pod is ready
	// why says why there is no pod.
	why error
	// changed is closed when pod or why changes.
	changed chan struct{}
}

// routePod is the pod that a route leads to. A pod that is made again under the same name
// has another uid.
type routePod struct {
	name string
	uid  types.UID
	port int
}

// OpenRoute returns a route to the pods of the Service. It returns an error if no pod is
// ready, or if none can be reached.
func (s *Service) OpenRoute(ctx context.Context) (*Route, error) {
	r := &Route{service: s, look: make(chan struct{}, 1), changed: make(chan struct{})}
	r.tunnels.lost = r.wake
	if _, err := retry(ctx, s.cluster, func() (string, error) { return r.settle(ctx) }); err != nil {
		r.tunnels.close()
		return nil, err
	}
	return r, nil
}

// Pod returns the name of the pod that the route leads to, or "" if none is ready.
func (r *Route) Pod() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pod == nil {
		return ""
	}
	return r.pod.name
}

// Follow keeps the route until ctx is canceled, and then closes all connections. It calls
// tell when the pod or the connection to it is lost, and when there is one again. up reports
// whether there is one.
func (r *Route) Follow(ctx context.Context, tell func(up bool, text string)) {
	defer r.tunnels.close()
	defer r.set(nil, errClosed)
	up, told, failures, why := true, r.uid(), 0, ""
	for ctx.Err() == nil {
		if r.tunnels.takeLoss() && up {
			up = false
			tell(false, "the connection to pod "+r.Pod()+" was lost; connecting again")
		}
		version, err := r.settle(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := time.Duration(0)
		if err == nil {
			failures, why = 0, ""
			if now := r.uid(); !up || now != told {
				up, told = true, now
				tell(true, "connected to pod "+r.Pod())
			}
		} else {
			wait = min(firstPause<<min(failures, 10), longestPause)
			failures++
			var refused apierrors.APIStatus
			unreachable := version == "" && !errors.As(err, &refused)
			if !unreachable || failures > 1 { // at first, only one of the connections to the server may have ended
				if unreachable {
					r.tunnels.dropIdle() // a connection that carries data ends by itself if it is lost
				}
				if up || isFinal(err) && err.Error() != why {
					up, why = false, err.Error()
					tell(false, why+"; trying again")
				}
			}
		}
		r.await(ctx, version, wait)
		_ = clock.Sleep(ctx, lookEvery)
	}
}

// uid returns the identity of the pod.
func (r *Route) uid() types.UID {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pod == nil {
		return ""
	}
	return r.pod.uid
}

// wake makes Follow look at the pods again.
func (r *Route) wake() {
	select {
	case r.look <- struct{}{}:
	default:
	}
}

// settle chooses the pod, and connects to it if there is no connection. version is that of
// the list of the pods, or "" if they cannot be listed.
func (r *Route) settle(ctx context.Context) (version string, err error) {
	c := r.service.cluster
	list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: r.service.selector()})
	if err != nil {
		err = fmt.Errorf("list the pods of service %s in cluster %s: %w", r.service.Name(), c.Name, err)
		r.explain(err)
		return "", err
	}
	pod, err := r.choose(list.Items)
	if len(list.Items) == 0 { // a namespace that is gone has no pods, which is no error
		if gone := c.CheckNamespace(ctx); errors.As(gone, new(*NoNamespaceError)) {
			err = gone
			r.explain(err)
		}
	}
	if err == nil && !r.tunnels.has(pod.uid) {
		var t *Tunnel
		if t, err = r.connect(ctx, pod); err == nil {
			r.tunnels.put(t)
		}
	}
	return list.ResourceVersion, err
}

// choose takes the pod that the route leads to already if that is ready, and otherwise the
// newest that is ready. It closes the connections to pods that are gone.
func (r *Route) choose(pods []corev1.Pod) (*routePod, error) {
	now := r.uid()
	var best *corev1.Pod
	var there []types.UID
	for i := range pods {
		p := &pods[i]
		there = append(there, p.UID)
		if Ready(p) && (best == nil || best.UID != now && (p.UID == now || p.CreationTimestamp.After(best.CreationTimestamp.Time))) {
			best = p
		}
	}
	var pod *routePod
	err := fmt.Errorf("service %s has no ready pod (%d in total)", r.service.Name(), len(pods))
	if best != nil {
		pod = &routePod{name: best.Name, uid: best.UID}
		if pod.port, err = r.service.podPort(best); err != nil {
			pod = nil
		}
	}
	r.set(pod, err)
	r.tunnels.drop(func(uid types.UID) bool { return !slices.Contains(there, uid) })
	if pod == nil {
		r.tunnels.use("")
		return nil, err
	}
	r.tunnels.use(pod.uid)
	return pod, nil
}

// set sets the pod, and if it is nil why there is none. It wakes Dial if that is new.
func (r *Route) set(pod *routePod, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	isNew := (pod == nil) != (r.pod == nil) || pod != nil && *pod != *r.pod || isFinal(why)
	r.pod, r.why = pod, why
	if isNew {
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

// explain says why there is no pod, if there is none. A pod that was known is still tried.
func (r *Route) explain(why error) {
	r.mu.Lock()
	none := r.pod == nil
	r.mu.Unlock()
	if none {
		r.set(nil, why)
	}
}

// connect opens a tunnel to a pod.
func (r *Route) connect(ctx context.Context, pod *routePod) (*Tunnel, error) {
	t, err := r.service.cluster.OpenTunnel(ctx, pod.name)
	if err != nil {
		return nil, err
	}
	return t, r.tunnels.add(t, pod.uid)
}

// await waits until the pods may have changed, a connection is lost, or limit has passed,
// which is no limit if it is 0.
func (r *Route) await(ctx context.Context, version string, limit time.Duration) {
	var over <-chan time.Time
	var changes <-chan watch.Event
	if version != "" {
		c := r.service.cluster
		changing, err := c.Client.CoreV1().Pods(c.Namespace).Watch(ctx, metav1.ListOptions{LabelSelector: r.service.selector(), ResourceVersion: version})
		if err != nil {
			limit = cmp.Or(limit, pollEvery)
		} else {
			defer changing.Stop()
			changes = changing.ResultChan()
		}
	}
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
	case <-changes:
	case <-r.look:
	case <-over:
	}
}
