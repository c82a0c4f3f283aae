package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/internal/volume"
)

// volumes copies files to and from a volume through a pod that a kubelet runs.
func volumes(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Provision(t, clients, "for-data", true)
	if _, err := c.CreateClaim(t.Context(), cluster.NewClaim{Name: "files", Class: "for-data", Project: "p", Size: resource.MustParse("1Gi"), Access: corev1.ReadWriteOnce}); err != nil {
		t.Fatal(err)
	}
	t.Run("volumes", func(t *testing.T) {
		t.Parallel()
		files := map[string]string{"a.txt": "one", "dir/with space": "two", "new\nline": "three", "ünï/quote's $(id)": "four", "-n": "five", "empty": ""}
		big := strings.Repeat("0123456789abcdef", 1<<18)
		for n := range 300 {
			files[fmt.Sprintf("many/%d", n)] = fmt.Sprint(n)
		}
		files["big"] = big
		dir, back, cache := t.TempDir(), t.TempDir(), t.TempDir()
		for name, text := range files {
			at := filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o640)); err != nil {
				t.Fatal(err)
			}
		}
		p := opened(t, c, "files", "copies", false)
		sync := func(ctx context.Context, by transfer.Shell, from, to string) (*transfer.Summary, error) {
			o := transfer.Options{From: at(t, from, by), To: at(t, to, by), CacheDir: cache}
			return transfer.Sync(ctx, o)
		}

		// It is cancelled in the middle, and goes on.
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := sync(ctx, &cut{Shell: p, after: 1 << 20, do: cancel}, dir, "volume:/raw"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		for _, want := range []int{len(files), 0} {
			if done, err := sync(t.Context(), p, dir, "volume:/raw"); err != nil || len(done.Changes) != want {
				t.Fatalf("%+v, %v, want %d changes", done, err, want)
			}
		}
		if done, err := sync(t.Context(), p, "volume:/raw", back); err != nil || len(done.Changes) != len(files) {
			t.Fatalf("%+v, %v", done, err)
		}
		if got := contents(t, back); !maps.Equal(got, files) {
			t.Errorf("%d files came back, want %d", len(got), len(files))
		}

		// What a pod without rights to write does not do.
		read := opened(t, c, "files", "copies", true)
		if done, err := sync(t.Context(), read, "volume:/raw", t.TempDir()); err != nil || len(done.Changes) != len(files) {
			t.Errorf("read only: %+v, %v", done, err)
		}
		if _, err := sync(t.Context(), read, dir, "volume:/other"); err == nil || !strings.Contains(err.Error(), "Read-only file system") {
			t.Errorf("read only: %v", err)
		}

		// The pod is deleted in the middle.
		lost := new(volume.LostError)
		gone := func() {
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(3 * time.Second) // its grace period is a second
		}
		if _, err := sync(t.Context(), &cut{Shell: p, after: 1 << 20, do: gone}, dir, "volume:/lost"); !errors.As(err, &lost) || lost.Why != "it was deleted" {
			t.Errorf("deleted: %v", err)
		}
		if err := read.Close(t.Context()); err != nil {
			t.Error(err)
		}
		eventually(t, "the pods are never deleted", func() bool {
			pods, err := c.Client.CoreV1().Pods(c.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=slipway-volume,slipway.dev/project=copies"})
			return err == nil && len(pods.Items) == 0
		})
	})
	for name, test := range map[string]struct {
		o    volume.Options
		want string
	}{
		"no such image for volumes": {volume.Options{Claim: "files", Image: "127.0.0.1:5000/team/tools:1"}, "the image was not found in the registry"},
		"no such claim for volumes": {volume.Options{Claim: "nowhere"}, `persistentvolumeclaim "nowhere" not found`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.o.Waits, test.o.Project = func(string) {}, "other"
			slept := 0
			test.o.Pause = func(ctx context.Context, d time.Duration) error { // fifty times as fast
				slept++
				time.Sleep(d / 50)
				return ctx.Err()
			}
			_, err := volume.Open(t.Context(), c, test.o)
			if !errors.As(err, new(*volume.StartError)) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("after %d looks: %v", slept, err)
			}
		})
	}
	withoutExec(t, c, access)
	t.Run("no pods as root", func(t *testing.T) {
		t.Parallel()
		strict, err := cluster.Connect(access, "strict", "node")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: strict.Namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		awaitAccount(t, strict)
		if _, err := volume.Open(t.Context(), strict, volume.Options{Claim: "files"}); err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted`) {
			t.Error(err)
		}
	})
}

// withoutExec uses credentials that may create pods, and not run commands in them.
func withoutExec(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	t.Run("no right to run commands", func(t *testing.T) {
		t.Parallel()
		all, err := kubernetes.NewForConfig(access)
		if err != nil {
			t.Fatal(err)
		}
		named := metav1.ObjectMeta{Name: "creates-pods"}
		rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "create", "delete"}}}
		_, err = all.RbacV1().Roles(c.Namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: named, Rules: rules}, metav1.CreateOptions{})
		if err == nil {
			_, err = all.RbacV1().RoleBindings(c.Namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: named.Name},
				Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "creator"}}}, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		access = rest.CopyConfig(access)
		access.Impersonate = rest.ImpersonationConfig{UserName: "creator"}
		as, err := cluster.Connect(access, c.Namespace, "node")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the right is never there", func() bool { _, err := as.Pod(t.Context(), "none"); return err == nil })
		p := opened(t, as, "files", "other", true)
		if err := p.Run(t.Context(), "true", nil, io.Discard); err == nil || !strings.Contains(err.Error(), `cannot create resource "pods/exec"`) || !strings.Contains(err.Error(), "needs permission to create pods/exec") {
			t.Error(err)
		}
	})
}

// opened opens a claim's volume until the test ends.
func opened(t *testing.T, c *cluster.Cluster, claim, project string, readOnly bool) *volume.Pod {
	t.Helper()
	p, err := volume.Open(t.Context(), c, volume.Options{Claim: claim, Image: testenv.BusyboxImage, Project: project, ReadOnly: readOnly,
		Waits: func(string) {}, Pause: func(ctx context.Context, _ time.Duration) error { time.Sleep(50 * time.Millisecond); return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

// at returns a place.
func at(t *testing.T, text string, by transfer.Shell) transfer.Place {
	t.Helper()
	p, err := transfer.ParsePlace(text, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	if p.InVolume {
		p.Shell, p.Volume = by, volume.Mount
	}
	return p
}

// contents returns the files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// cut is a Shell that does something once, after a number of bytes of what it reads.
type cut struct {
	transfer.Shell
	after int
	do    func()
}

// Run implements transfer.Shell.
func (c *cut) Run(ctx context.Context, script string, in io.Reader, out io.Writer) error {
	if in != nil {
		in = &cutReader{in, c}
	}
	return c.Shell.Run(ctx, script, in, out)
}

type cutReader struct {
	io.Reader
	*cut
}

// Read implements io.Reader.
func (r *cutReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.after -= n; r.after < 0 && r.do != nil {
		r.do()
		r.do = nil
	}
	return n, err
}
