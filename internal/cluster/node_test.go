package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRunsOnNode follows runs whose pods a real kubelet runs. A fake Polyaxon server
// reports the statuses that its operator would, and has no logs.
func TestRunsOnNode(t *testing.T) {
	access, podLogs := testenv.Node(t)
	c, err := cluster.Connect(access, "runs", "node")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitAccount(t, c)
	if _, err := c.Client.CoreV1().Secrets(c.Namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "there"}, StringData: map[string]string{"key": "value"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	others(t, c)
	t.Run("pods", func(t *testing.T) { // the node must outlive the parallel subtests
		waits(t, c)
		synced(t, c)
		ends(t, c)
		besides(t, c)
		logs(t, c)
		ports(t, c)
		restarts(t, c)
		polite(t, c)
		claims(t, c)
		provisioned(t, c, access)
		volumes(t, c, access)
		forbidden(t, c, access)
		rotations(t, c, podLogs)
		refused(t, c, access)
	})
}

// waits tests the reasons why pods wait.
func waits(t *testing.T, c *cluster.Cluster) {
	for name, test := range map[string]struct {
		change func(*corev1.Pod)
		want   []string
	}{
		"no such gpu": {func(p *corev1.Pod) {
			main(p).Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
		}, []string{"Insufficient nvidia.com/gpu", "no node has enough nvidia.com/gpu free", "jobs.NAME.gpu"}},
		"no such label": {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"gpu": "a100"} },
			[]string{"node affinity/selector", "environment.nodeSelector"}},
		"a taint": {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"pool": "gpus"} },
			[]string{"untolerated taint", "some nodes have a taint that the pod does not tolerate", "environment.tolerations"}},
		"no such memory": {func(p *corev1.Pod) {
			main(p).Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("9Ti")}
		}, []string{"no node has enough memory free"}},
		"no such claim": {func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "fstore"}}}}
		}, []string{`persistentvolumeclaim "fstore" not found`, "create the claim fstore"}},
		"no registry": {func(p *corev1.Pod) { main(p).Image = "127.0.0.1:9/team/train:1" },
			[]string{"127.0.0.1:9/team/train:1", "connection refused", "the nodes cannot reach the registry"}},
		"no such image": {func(p *corev1.Pod) { main(p).Image = "127.0.0.1:5000/team/train:1" },
			[]string{"127.0.0.1:5000/team/train:1: not found", "the image was not found in the registry"}},
		"no right to the image": {func(p *corev1.Pod) { main(p).Image = "127.0.0.1:5000/private/train:1" },
			[]string{"403 Forbidden", "name an imagePullSecret in environment.imagePullSecrets"}},
		"no such pull secret": {func(p *corev1.Pod) {
			main(p).Image = "127.0.0.1:5000/private/train:1"
			p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "gcp-imagepullsecrets"}}
		}, []string{"Unable to retrieve some image pull secrets", "name the secret gcp-imagepullsecrets under secrets in slipway.yaml"}},
		"no image name": {func(p *corev1.Pod) { main(p).Image = "UPPER/Case" }, []string{"the image name is invalid"}},
		"no such secret": {func(p *corev1.Pod) {
			main(p).EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "sa-key"}}}}
		}, []string{`secret "sa-key" not found`, "name the secret sa-key under secrets in slipway.yaml"}},
		"no secret of a connection": {func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "store", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "gcs-key"}}}}
			main(p).VolumeMounts = []corev1.VolumeMount{{Name: "store", MountPath: "/plx-context/.gc"}}
		}, []string{`secret "gcs-key" not found`, "name the secret gcs-key under secrets in slipway.yaml"}},
		"no such key": {func(p *corev1.Pod) {
			main(p).Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "there"}, Key: "token"}}}}
		}, []string{"token", "the key token is missing there"}},
		"no such config map": {func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "conf", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}}
			main(p).VolumeMounts = []corev1.VolumeMount{{Name: "conf", MountPath: "/conf"}}
		}, []string{`configmap "settings" not found`, "create the config map settings"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, "pause")
			test.change(p)
			create(t, c, p)
			sink := &sink{until: test.want}
			if _, err := follow(t, c, p.Labels[label], sink); err == nil {
				t.Fatal("the run has ended")
			}
			if !sink.seen {
				t.Fatalf("what was told is %q; want %q", sink.waits, test.want)
			}
		})
	}
}

// evicted reports whether a failure is an eviction and nothing else.
func evicted(f *run.Failure) bool { return f.Evicted && !f.OOMKilled && f.ExitCode == -1 }

// ends tests the ways in which containers end.
func ends(t *testing.T, c *cluster.Cluster) {
	for name, test := range map[string]struct {
		args   []string
		change func(*corev1.Pod)
		check  func(*run.Failure) bool
		text   string
	}{
		"exit code": {[]string{"print=sorry", "exit=3"}, func(*corev1.Pod) {},
			func(f *run.Failure) bool { return f.ExitCode == 3 && !f.OOMKilled && !f.Evicted }, "container polyaxon-main ended with exit code 3"},
		"no memory left": {[]string{"print=sorry", "memory=300"}, func(p *corev1.Pod) {
			main(p).Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("48Mi")}
		}, func(f *run.Failure) bool { return f.OOMKilled }, "exceeded its memory limit of 48Mi"},
		"a volume that is full": {[]string{"print=sorry", "write=/scratch/big,20", "sleep=10m"}, func(p *corev1.Pod) {
			limit := resource.MustParse("5Mi")
			p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &limit}}}}
			main(p).VolumeMounts = []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}}
		}, evicted, `(Evicted): Usage of EmptyDir volume "scratch" exceeds the limit "5Mi"; run it again`},
		"no disk left": {[]string{"print=sorry", "write=/big,20", "sleep=10m"}, func(p *corev1.Pod) {
			main(p).Resources.Limits = corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("8Mi")}
		}, evicted, `(Evicted): Pod ephemeral local storage usage exceeds the total limit of containers 8Mi; run it again`},
		"no such command": {[]string{"print=sorry"}, func(p *corev1.Pod) { main(p).Command = []string{"/nothing"} },
			func(f *run.Failure) bool { return f.ExitCode == 128 }, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, test.args...)
			test.change(p)
			create(t, c, p)
			sink := &sink{}
			outcome, err := follow(t, c, p.Labels[label], sink)
			if err != nil {
				t.Fatal(err)
			}
			if f := outcome.Failure; outcome.Run.Status != polyaxon.Failed || f == nil || !test.check(f) || !strings.Contains(f.Text, test.text) {
				t.Errorf("it ended as %s, %+v", outcome.Run.Status, f)
			}
			if test.args[0] == "print=sorry" && main(p).Command == nil && strings.Join(outcome.LastLines, "\n") != "sorry" {
				t.Errorf("its last lines are %q", outcome.LastLines)
			}
		})
	}
}

// besides tests containers that fail before the main one or beside it. The run must fail
// with them as the reason, and with their lines.
func besides(t *testing.T, c *cluster.Cluster) {
	beside := func(p *corev1.Pod, name string, args ...string) corev1.Container {
		other := *main(p)
		other.Name, other.Args = name, args
		return other
	}
	for name, change := range map[string]func(*corev1.Pod) string{
		"init container": func(p *corev1.Pod) string {
			p.Spec.InitContainers = []corev1.Container{beside(p, "polyaxon-init-git", "print=fatal: no such repository", "exit=4")}
			return "fatal: no such repository"
		},
		"sidecar": func(p *corev1.Pod) string {
			p.Spec.Containers = append(p.Spec.Containers, beside(p, "logger", "print=the disk is full", "exit=4"))
			return "the disk is full"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, "print=all is well", "sleep=2s")
			want := change(p)
			create(t, c, p)
			sink := &sink{}
			outcome, err := follow(t, c, p.Labels[label], sink)
			if err != nil {
				t.Fatal(err)
			}
			f := outcome.Failure
			if outcome.Run.Status != polyaxon.Failed || f == nil || f.ExitCode != 4 || f.LinesContainer() == "" || f.LinesContainer() != f.Container || !slices.Equal(outcome.LastLines, []string{want}) {
				t.Errorf("it ended as %s, %+v, with the lines %q; want %q", outcome.Run.Status, f, outcome.LastLines, want)
			}
		})
	}
}

// logs reads logs from pods. No line may be lost, even if more is printed at once than
// Polyaxon returns, and the lines from before a restart must be there too.
func logs(t *testing.T, c *cluster.Cluster) {
	t.Run("restart", func(t *testing.T) {
		t.Parallel()
		// containerd waits only for a limited time after the exit, so pause to let it write all
		// lines.
		p := pod(t, "lines=8000", "sleep=2s", "once=/scratch,1", "print=again", "sleep=1s", "print=end")
		p.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
		p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		main(p).VolumeMounts = []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}}
		create(t, c, p)
		sink := &sink{}
		outcome, err := follow(t, c, p.Labels[label], sink)
		if err != nil || outcome.Run.Status != polyaxon.Succeeded {
			t.Fatal(outcome, err)
		}
		want := make([]string, 0, 16_002)
		for range 2 {
			for i := range 8_000 {
				want = append(want, fmt.Sprint("line ", i))
			}
		}
		want = append(want, "again", "end")
		for i := range min(len(want), len(sink.lines)) {
			if sink.lines[i] != want[i] {
				t.Fatalf("line %d is %q, want %q (of %d: %q)", i, sink.lines[i], want[i], len(sink.lines), sink.lines[i:min(i+3, len(sink.lines))])
			}
		}
		if len(sink.lines) != len(want) {
			t.Errorf("%d lines came, want %d", len(sink.lines), len(want))
		}
		if outcome.Queued == nil || outcome.Pulling == nil || outcome.Running == nil || *outcome.Running < time.Second {
			t.Errorf("its times are %+v", outcome.Times)
		}
	})
	t.Run("progress bar", func(t *testing.T) {
		t.Parallel()
		// containerd writes an unfinished line once it has more than 16 KiB of it.
		p := pod(t, "bar=300", "sleep=2s", "print=")
		create(t, c, p)
		sink := &sink{}
		if _, err := follow(t, c, p.Labels[label], sink); err != nil {
			t.Fatal(err)
		}
		if len(sink.states) == 0 || !strings.Contains(sink.states[0], " of 300 ##") || strings.ContainsAny(sink.states[0], "\rZ") {
			t.Errorf("the states are %q", sink.states)
		}
		if len(sink.lines) != 1 || !strings.HasPrefix(sink.lines[0], "300 of 300 ##") {
			t.Errorf("the lines are %q", sink.lines)
		}
	})
	t.Run("replicas", func(t *testing.T) {
		t.Parallel()
		one, two := pod(t, "lines=3"), pod(t, "lines=3")
		one.Name, two.Name = one.Name+"-worker-0", one.Name+"-worker-1"
		two.Labels = one.Labels
		create(t, c, one)
		create(t, c, two)
		sink := &sink{}
		if _, err := follow(t, c, one.Labels[label], sink); err != nil {
			t.Fatal(err)
		}
		if len(sink.lines) != 6 {
			t.Errorf("the lines are %q", sink.lines)
		}
	})
}

// polite runs a program that exits with 0 when its pod is evicted. The run must succeed,
// and the eviction must be reported.
func polite(t *testing.T, c *cluster.Cluster) {
	t.Run("evicted, and exit code 0", func(t *testing.T) {
		t.Parallel()
		limit := resource.MustParse("5Mi")
		p := pod(t, "write=/scratch/big,20", "pause")
		p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &limit}}}}
		main(p).VolumeMounts = []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}}
		create(t, c, p)
		sink := &sink{}
		outcome, err := follow(t, c, p.Labels[label], sink)
		if err != nil {
			t.Fatal(err)
		}
		// The run failed if the kubelet wrote the pod's status last.
		told := strings.Contains(strings.Join(sink.notes, "\n"), `evicted (Usage of EmptyDir volume "scratch" exceeds the limit "5Mi")`)
		if failed := outcome.Run.Status == polyaxon.Failed; failed == told || failed && !evicted(outcome.Failure) {
			t.Errorf("it ended as %s, %+v, and the notes are %q", outcome.Run.Status, outcome.Failure, sink.notes)
		}
	})
}

// forbidden uses credentials that may list pods but may not read their logs.
func forbidden(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	t.Run("no right to logs", func(t *testing.T) {
		t.Parallel()
		may := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: []string{"get", "list"}}}
		role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "lists"}, Rules: may}
		binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "lists"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "lists"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}
		all, err := kubernetes.NewForConfig(access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := all.RbacV1().Roles(c.Namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := all.RbacV1().RoleBindings(c.Namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		access = rest.CopyConfig(access)
		access.Impersonate = rest.ImpersonationConfig{UserName: "ci"}
		ci, err := cluster.Connect(access, c.Namespace, "node")
		if err != nil {
			t.Fatal(err)
		}
		p := pod(t, "print=hello", "exit=3")
		create(t, c, p)
		line := polyaxon.LogLine{Timestamp: time.Now(), Pod: p.Name, Container: "polyaxon-main", Value: "hello"}
		o, sink := &operator{Cluster: c, archive: func() []polyaxon.LogLine { return []polyaxon.LogLine{line} }}, &sink{}
		outcome, err := followBy(t, o, ci, p.Labels[label], sink)
		if err != nil || outcome.Failure == nil || outcome.Failure.ExitCode != 3 {
			t.Fatal(outcome, err)
		}
		if !slices.Equal(sink.lines, []string{"hello"}) || len(sink.notes) != 1 || !strings.Contains(sink.notes[0], `cannot get resource "pods/log"`) {
			t.Errorf("the lines are %q, the notes %q", sink.lines, sink.notes)
		}
	})
}

// others tests a node that is reserved for other pods, and a registry that does not have
// the image.
func others(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if _, err := c.Client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "gpus", Labels: map[string]string{"pool": "gpus"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: "dedicated", Value: "ml", Effect: corev1.TaintEffectNoSchedule}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	p := pod(t, "serve=5000")
	p.Spec.HostNetwork = true
	create(t, c, p)
	awaitPod(t, c, p.Name, cluster.Ready)
}

// refused tests the reasons why no pod is created at all.
func refused(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	all, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		account string
		want    []string
	}{
		"quota":              {"", []string{"exceeded quota: team", "the namespace's quota team is used up"}},
		"no service account": {"trainer", []string{`serviceaccount "trainer" not found`, "create the service account trainer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, "pause")
			p.Spec.ServiceAccountName = test.account
			poor := &cluster.Cluster{Client: c.Client, Namespace: "poor" + p.Labels[label], Name: c.Name}
			if err := poor.EnsureNamespace(t.Context()); err != nil {
				t.Fatal(err)
			}
			awaitAccount(t, poor)
			if _, err := poor.Client.CoreV1().ResourceQuotas(poor.Namespace).Create(t.Context(), &corev1.ResourceQuota{
				ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
			}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := all.BatchV1().Jobs(poor.Namespace).Create(t.Context(), &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Name: p.Name}, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: p.Labels}, Spec: p.Spec}},
			}, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			sink := &sink{until: test.want}
			if _, err := follow(t, poor, p.Labels[label], sink); err == nil || !sink.seen {
				t.Fatalf("what was told is %q, %v", sink.waits, err)
			}
		})
	}
}
