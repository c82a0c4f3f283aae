package polyaxon

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
)

// maxEnded is the number of runs that have ended whose pods are shown. On a cluster, too,
// the pods of older runs are deleted.
const maxEnded = 200

// instanceLabel is the label of a run's pods with the UUID of the run, in all releases.
const instanceLabel = "app.kubernetes.io/instance"

// workloads shows the runs as the pods, services and events of a cluster. It is a
// kubernetes.Workloads.
type workloads struct {
	*Server
	node *corev1.Node

	mu sync.Mutex
	// shown is what was made of each run.
	shown map[string]*shownRun
}

// shownRun is a run as objects of a cluster. It is valid while record and service are those
// of the run.
type shownRun struct {
	record   *record
	service  *service
	template *podTemplate
	pods     []*corev1.Pod
	events   []*corev1.Event
	services []*corev1.Service
}

// Workloads returns the runs as the pods, services and events of a cluster.
func (s *Server) Workloads() kubernetes.Workloads {
	return &workloads{Server: s, node: nodeOf(s.options.Capacity, metav1.NewTime(s.options.Now())), shown: map[string]*shownRun{}}
}

// Objects implements kubernetes.Workloads.
func (w *workloads) Objects() (*kubernetes.Objects, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	runs, changed := w.store.withPods()
	all := &kubernetes.Objects{Nodes: []*corev1.Node{w.node}}
	ended := 0
	there := map[string]bool{}
	for _, r := range runs {
		if terminal(r.Status) {
			if ended++; ended > maxEnded {
				continue
			}
		}
		serving := w.executor.serving(r.UUID)
		run := w.shown[r.UUID]
		if run == nil || run.record != r || run.service != serving {
			run = w.show(run, r, serving)
		}
		there[r.UUID] = true
		w.shown[r.UUID] = run
		all.Pods = append(all.Pods, run.pods...)
		all.Events = append(all.Events, run.events...)
		all.Services = append(all.Services, run.services...)
	}
	for uuid := range w.shown {
		if !there[uuid] {
			delete(w.shown, uuid)
		}
	}
	return all, changed
}

// withPods returns the runs that have pods, newest first, and a channel that is closed when
// a run changes.
func (s *store) withPods() ([]*record, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*record
	for _, r := range s.runs {
		if !r.Deleted && len(r.Pods) > 0 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *record) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.UUID, b.UUID))
	})
	return list, s.changed
}

// show makes the objects of a run. before is what was made of it, or nil.
func (w *workloads) show(before *shownRun, r *record, serving *service) *shownRun {
	run := &shownRun{record: r, service: serving}
	if before != nil {
		run.template = before.template
	}
	if run.template == nil {
		var err error
		if run.template, err = w.executor.template(r); err != nil {
			return run // it was never run
		}
	}
	for i := range r.Pods {
		pod := run.template.pod(r, i, w.options.Namespace)
		run.pods = append(run.pods, pod)
		run.events = append(run.events, eventsOf(r, i, pod)...)
	}
	if serving != nil {
		run.services = []*corev1.Service{run.template.service(r, serving, w.options.Namespace)}
	}
	return run
}

// podTemplate is what the pods of a run have in common.
type podTemplate struct {
	metadata metav1.ObjectMeta
	spec     corev1.PodSpec
}

// template returns the template of a run's pods, with the names that the executor gives to
// containers.
func (e *executor) template(r *record) (*podTemplate, error) {
	resolved, o, err := e.resolve(r)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(resolved.PodTemplates()[""])
	if err != nil {
		return nil, err
	}
	var made corev1.PodTemplateSpec
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, err
	}
	t := &podTemplate{metadata: made.ObjectMeta, spec: made.Spec}
	main := o.Container
	main.Name = mainContainer
	t.spec.Containers, t.spec.InitContainers = []corev1.Container{main}, nil
	for i, c := range o.Sidecars {
		c.Name = sidecarName(c, i)
		t.spec.Containers = append(t.spec.Containers, c)
	}
	for i, c := range o.Init {
		c.Name = initName(c, i)
		t.spec.InitContainers = append(t.spec.InitContainers, c)
	}
	t.spec.RestartPolicy = corev1.RestartPolicyNever
	t.spec.DNSPolicy = cmp.Or(t.spec.DNSPolicy, corev1.DNSClusterFirst)
	t.spec.SchedulerName = cmp.Or(t.spec.SchedulerName, corev1.DefaultSchedulerName)
	t.spec.ServiceAccountName = cmp.Or(t.spec.ServiceAccountName, "default")
	for _, list := range [][]corev1.Container{t.spec.Containers, t.spec.InitContainers} {
		for i := range list {
			list[i].ImagePullPolicy = cmp.Or(list[i].ImagePullPolicy, corev1.PullIfNotPresent)
			for j := range list[i].Ports {
				list[i].Ports[j].Protocol = cmp.Or(list[i].Ports[j].Protocol, corev1.ProtocolTCP)
			}
		}
	}
	if len(t.spec.Containers[0].Ports) == 0 {
		for _, port := range o.Ports {
			t.spec.Containers[0].Ports = append(t.spec.Containers[0].Ports, corev1.ContainerPort{ContainerPort: int32(port), Protocol: corev1.ProtocolTCP}) //nolint:gosec // a port
		}
	}
	return t, nil
}

// meta returns the metadata of an object of a run.
func (t *podTemplate) meta(r *record, name, namespace string) metav1.ObjectMeta {
	meta := *t.metadata.DeepCopy()
	meta.Name, meta.Namespace, meta.UID = name, namespace, identity(name)
	if meta.Labels == nil {
		meta.Labels = map[string]string{}
	}
	for label, value := range map[string]string{
		"app.kubernetes.io/name": r.Name, instanceLabel: r.UUID, "app.kubernetes.io/managed-by": "polyaxon",
		"app.kubernetes.io/part-of": "polyaxon-runs", "app.kubernetes.io/component": "polyaxon-" + r.Kind + "s",
	} {
		meta.Labels[label] = value
	}
	return meta
}

// service returns the service of a run that serves.
func (t *podTemplate) service(r *record, serving *service, namespace string) *corev1.Service {
	s := &corev1.Service{ObjectMeta: t.meta(r, "plx-operation-"+r.UUID, namespace)}
	s.CreationTimestamp = metav1.NewTime(r.Pods[len(r.Pods)-1].Created)
	s.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{instanceLabel: r.UUID}}
	for _, port := range serving.ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: fmt.Sprintf("port-%d", port), Port: int32(port), TargetPort: intstr.FromInt(port), Protocol: corev1.ProtocolTCP, //nolint:gosec // a port
		})
	}
	return s
}

// identity returns the UID of an object, which is the same after a restart.
func identity(name string) types.UID {
	sum := sha256.Sum256([]byte(name))
	return types.UID(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// nodeOf returns the node of the sandbox, which is this machine and ready since the sandbox started.
func nodeOf(capacity *Capacity, started metav1.Time) *corev1.Node {
	have := corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewMilliQuantity(capacity.MilliCPU, resource.DecimalSI),
		corev1.ResourceMemory: *resource.NewQuantity(capacity.Memory, resource.BinarySI),
	}
	for name, n := range capacity.Other {
		have[corev1.ResourceName(name)] = *resource.NewQuantity(n, resource.DecimalSI)
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, UID: identity(nodeName), CreationTimestamp: started, Labels: map[string]string{
			corev1.LabelHostname: nodeName, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
		}},
		Status: corev1.NodeStatus{
			Capacity: have, Allocatable: have,
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}, {Type: corev1.NodeHostName, Address: nodeName}},
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "SandboxReady", Message: "the sandbox is running", LastHeartbeatTime: started, LastTransitionTime: started,
			}},
			NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.35.4+slipway-sandbox", OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, ContainerRuntimeVersion: "slipway://sandbox"},
		},
	}
}

// runOf returns the run that a pod belongs to, as it is now.
func (w *workloads) runOf(pod string) (record, int, error) {
	uuid, _, _ := cutLast(strings.TrimPrefix(pod, "plx-operation-"))
	r, ok := w.store.run(uuid)
	at := slices.IndexFunc(r.Pods, func(s podState) bool { return s.Name == pod })
	if !ok || at < 0 {
		return record{}, 0, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, pod)
	}
	return r, at, nil
}

// cutLast cuts a text at its last hyphen.
func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, '-')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// Dial implements kubernetes.Workloads. Only the ports of a service can be reached: other
// runs share the ports of the machine.
func (w *workloads) Dial(ctx context.Context, pod string, port int) (net.Conn, error) {
	r, at, err := w.runOf(pod)
	if err != nil {
		return nil, err
	}
	serving := w.executor.serving(r.UUID)
	if serving == nil || at != len(r.Pods)-1 {
		return nil, fmt.Errorf("pod %s has no port %d: its run is not a service that is running", pod, port)
	}
	return serving.dial(ctx, port)
}
