package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/httpstream/spdy"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealKubernetes creates the objects in a real API server. No node runs the pod: the
// test creates it as the controllers would, and writes its status.
func TestRealKubernetes(t *testing.T) {
	t.Parallel()
	config := testenv.Kubernetes(t)
	config.QPS, config.Burst = 1000, 1000
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	in := func(t *testing.T, level string) *Kubernetes {
		t.Helper()
		labels := map[string]string{}
		if level != "" {
			labels["pod-security.kubernetes.io/enforce"] = level
		}
		namespace, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "team-", Labels: labels}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clients.CoreV1().ServiceAccounts(namespace.Name).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		return &Kubernetes{Config: config, Namespace: namespace.Name, every: 10 * time.Millisecond, stuck: 50 * time.Millisecond, Timeout: 20 * time.Second}
	}
	t.Run("pod security", func(t *testing.T) {
		for _, level := range []string{"", "privileged", "baseline", "restricted"} {
			k := in(t, level)
			err := k.apply(t.Context(), own(t, k))
			if level == "restricted" {
				if err == nil || !strings.Contains(err.Error(), "enforces the Pod Security Standard restricted") {
					t.Errorf("restricted: %v", err)
				}
				// Even the pod for baseline is refused.
				_, err := own(t, k).AppsV1().Deployments(k.Namespace).Apply(t.Context(), k.deployment("baseline"), metav1.ApplyOptions{FieldManager: "test"})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := makePod(t.Context(), clients, k.Namespace); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "restricted") {
					t.Errorf("the pod in a restricted namespace: %v", err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", level, err)
			} else if _, err := makePod(t.Context(), clients, k.Namespace); err != nil {
				t.Errorf("%s: %v", level, err)
			}
		}
	})
	t.Run("applied twice, and deleted", func(t *testing.T) {
		k := in(t, "")
		var generation int64
		for range 2 {
			if err := k.apply(t.Context(), own(t, k)); err != nil {
				t.Fatal(err)
			}
			found, err := clients.AppsV1().Deployments(k.Namespace).Get(t.Context(), ObjectName, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if generation != 0 && found.Generation != generation {
				t.Error("the deployment has changed")
			}
			generation = found.Generation
			if len(found.ManagedFields) != 1 || found.ManagedFields[0].Manager != "slipway" || found.ManagedFields[0].Operation != metav1.ManagedFieldsOperationApply {
				t.Errorf("the field managers are %v", found.ManagedFields)
			}
		}
		claim, err := clients.CoreV1().PersistentVolumeClaims(k.Namespace).Get(t.Context(), ObjectName, metav1.GetOptions{})
		if err != nil || claim.Spec.Resources.Requests.Storage().String() != "50Gi" {
			t.Errorf("the claim is %v, %v", claim, err)
		}
		for range 2 {
			if err := k.Delete(t.Context()); err != nil {
				t.Error(err)
			}
		}
		// The garbage collector, which would end the deletion, is not running here.
		if found, err := clients.AppsV1().Deployments(k.Namespace).Get(t.Context(), ObjectName, metav1.GetOptions{}); err == nil && found.DeletionTimestamp == nil {
			t.Error("the deployment is not being deleted")
		}
	})
	t.Run("why it is not ready", func(t *testing.T) { testReasons(t, clients, in) })
	t.Run("a size that is none", func(t *testing.T) {
		k := in(t, "")
		k.Storage = "much"
		if err := k.apply(t.Context(), own(t, k)); err == nil || err.Error() != `the size of buildkitd's cache is "much": write it like 50Gi` {
			t.Error(err)
		}
	})
	t.Run("a build through the API server", func(t *testing.T) { testForward(t, clients, in(t, "")) })
}

// own returns slipway's clients, which k uses.
func own(t *testing.T, k *Kubernetes) *cluster.Clients {
	t.Helper()
	connected, err := k.connect()
	if err != nil {
		t.Fatal(err)
	}
	return connected.Client
}

// makePod creates the deployment's pod.
func makePod(ctx context.Context, clients kubernetes.Interface, namespace string) (*corev1.Pod, error) {
	deployment, err := clients.AppsV1().Deployments(namespace).Get(ctx, ObjectName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	pod := &corev1.Pod{ObjectMeta: deployment.Spec.Template.ObjectMeta, Spec: deployment.Spec.Template.Spec}
	pod.GenerateName = ObjectName + "-"
	return clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
}

func testReasons(t *testing.T, clients kubernetes.Interface, in func(*testing.T, string) *Kubernetes) {
	container := func(state corev1.ContainerState) corev1.PodStatus {
		return corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "buildkitd", Image: DefaultImage, RestartCount: 4, State: state,
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "no user namespaces\n"}}}}}
	}
	waits := func(reason, message string) corev1.PodStatus {
		return container(corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}})
	}
	for _, c := range []struct {
		name   string
		status *corev1.PodStatus
		want   string
	}{
		{"no pod", nil, "buildkitd in namespace NS is not ready after 300ms: it has no pod yet"},
		{"no node", &corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu."}}},
			"buildkitd in namespace NS is not ready after 300ms: its pod cannot be scheduled: 0/3 nodes are available: 3 Insufficient cpu."},
		{"no image", new(waits("ImagePullBackOff", "Back-off pulling image")),
			"buildkitd cannot start in namespace NS: its image " + DefaultImage + " cannot be pulled: Back-off pulling image"},
		{"no user namespace", new(waits("CrashLoopBackOff", "back-off 40s")),
			"buildkitd cannot start in namespace NS: it ended 4 times, with exit code 1: no user namespaces; see kubectl logs POD"},
		{"starting", new(waits("ContainerCreating", "")), "buildkitd in namespace NS is not ready after 300ms: its pod POD is starting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := in(t, "")
			k.Timeout = 300 * time.Millisecond
			if err := k.apply(t.Context(), own(t, k)); err != nil {
				t.Fatal(err)
			}
			pod := &corev1.Pod{}
			if c.status != nil {
				var err error
				if pod, err = makePod(t.Context(), clients, k.Namespace); err != nil {
					t.Fatal(err)
				}
				pod.Status = *c.status
				if _, err := clients.CoreV1().Pods(k.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			var told []string
			_, err := k.ready(t.Context(), own(t, k), func(reason string) { told = append(told, reason) })
			want := strings.NewReplacer("NS", k.Namespace, "POD", pod.Name).Replace(c.want)
			if err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if len(told) != 1 || !strings.HasSuffix(want, told[0]) {
				t.Errorf("it told %q", told)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		k := in(t, "")
		if err := k.apply(t.Context(), own(t, k)); err != nil {
			t.Fatal(err)
		}
		deployment, err := clients.AppsV1().Deployments(k.Namespace).Get(t.Context(), ObjectName, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota: team"}}
		if _, err := clients.AppsV1().Deployments(k.Namespace).UpdateStatus(t.Context(), deployment, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := k.ready(t.Context(), own(t, k), nil); err == nil || !strings.HasSuffix(err.Error(), ": its pod is rejected: exceeded quota: team") {
			t.Error(err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		k := in(t, "")
		if err := k.apply(t.Context(), own(t, k)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := k.ready(ctx, own(t, k), func(string) { cancel() }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// testForward makes the real API server forward to a kubelet of the test, which forwards to
// a real buildkitd. That builds an image.
func testForward(t *testing.T, clients kubernetes.Interface, k *Kubernetes) {
	socket := strings.TrimPrefix(testenv.BuildKit(t), "unix://")
	kubelet := httptest.NewTLSServer(&kubelet{socket: socket})
	t.Cleanup(kubelet.Close)
	_, text, _ := net.SplitHostPort(kubelet.Listener.Addr().String())
	kubeletPort, _ := strconv.Atoi(text)
	node, err := clients.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	node.Status = corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(kubeletPort)}}}
	if _, err := clients.CoreV1().Nodes().UpdateStatus(t.Context(), node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	// waiting does the work of the controllers and the kubelet once the deployment exists.
	var waited []string
	done := make(chan error, 1)
	waiting := func(reason string) {
		waited = append(waited, reason)
		if reason != "it has no pod yet" {
			return
		}
		done <- func() error {
			pod, err := makePod(t.Context(), clients, k.Namespace)
			if err != nil {
				return err
			}
			binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name}, Target: corev1.ObjectReference{Kind: "Node", Name: "node"}}
			if err := clients.CoreV1().Pods(k.Namespace).Bind(t.Context(), binding, metav1.CreateOptions{}); err != nil {
				return err
			}
			if pod, err = clients.CoreV1().Pods(k.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{}); err != nil {
				return err
			}
			pod.Status.Phase, pod.Status.Conditions = corev1.PodRunning, []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
			_, err = clients.CoreV1().Pods(k.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
			return err
		}()
	}
	w := newRegistry(t)
	w.builder, err = Find(t.Context(), Finder{Sockets: []string{}, Kubernetes: k, Waiting: waiting})
	if err != nil {
		t.Fatalf("%v (waited for %q)", err, waited)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY a.txt /\nRUN seq 1 200000 > /numbers\n", "a.txt": "through the API server"})
	image, _, _ := w.build(t, s, "forwarded")
	if got := testenv.Contents(t, image)["a.txt"]; got != "through the API server" {
		t.Errorf("the image has %q", got)
	}
	_, again, _ := w.build(t, s, "forwarded")
	if again.Cached != again.Steps {
		t.Errorf("%d of %d steps were cached", again.Cached, again.Steps)
	}
}

// kubelet is the part of a kubelet that forwards ports. It forwards all to one socket.
type kubelet struct{ socket string }

func (k *kubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/portForward/") {
		http.NotFound(w, r)
		return
	}
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	streams := make(chan httpstream.Stream, 2)
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
		streams <- s
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	var failures, data httpstream.Stream
	for range 2 {
		if s := <-streams; s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			failures = s
		} else {
			data = s
		}
	}
	target, err := net.Dial("unix", k.socket)
	if err != nil || data.Headers().Get(corev1.PortHeader) != strconv.Itoa(port) {
		fmt.Fprintf(failures, "port %s is closed: %v", data.Headers().Get(corev1.PortHeader), err)
		_ = failures.Close()
		<-connection.CloseChan()
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() { _, _ = io.Copy(target, data); _ = target.(*net.UnixConn).CloseWrite() })
	copies.Go(func() { _, _ = io.Copy(data, target); _ = data.Close() })
	<-connection.CloseChan()
	_ = target.Close()
	copies.Wait()
}
