package tasks

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// manifestForms applies manifests in forms that server-side apply alone does not handle: a Secret
// whose stringData loses a key, and an object as kubectl get -o yaml prints it.
func manifestForms(t *testing.T, access *rest.Config) {
	clients := clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "forms"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	v := vaultOn(t, access)
	v.write("slipway.yaml", "project: forms\ncluster: {kubeconfig: {path: kubeconfig}, namespace: forms}\nmanifests: [k8s]\n")
	if err := os.Mkdir(filepath.Join(v.dir, "k8s"), 0o700); err != nil {
		t.Fatal(err)
	}
	apply := func(what, want string) {
		t.Helper()
		result, err := Apply(t.Context(), v.env, ApplyOptions{})
		if err != nil || len(result.Manifests) != 1 || string(result.Manifests[0].Action) != want {
			t.Errorf("%s: %v, %v; want %s", what, result.Manifests, err, want)
		}
	}
	const head = "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\n"
	for _, c := range []struct {
		what, data, action string
		want               map[string][]byte
	}{
		{"two texts", "stringData: {a: one-value, b: two-value}\n", "create", map[string][]byte{"a": []byte("one-value"), "b": []byte("two-value")}},
		{"the same", "stringData: {a: one-value, b: two-value}\n", "unchanged", map[string][]byte{"a": []byte("one-value"), "b": []byte("two-value")}},
		{"one text less", "stringData: {a: one-value}\n", "update", map[string][]byte{"a": []byte("one-value")}},
		{"a text before data", "data: {a: eA==, c: eA==}\nstringData: {a: two-value}\n", "update", map[string][]byte{"a": []byte("two-value"), "c": []byte("x")}},
	} {
		v.write("k8s/a.yaml", head+c.data)
		apply(c.what, c.action)
		made, err := clients.CoreV1().Secrets("forms").Get(t.Context(), "token", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, made.Data); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.what, diff)
		}
	}

	exported, err := clients.CoreV1().Secrets("forms").Get(t.Context(), "token", metav1.GetOptions{})
	if err != nil || len(exported.ManagedFields) == 0 {
		t.Fatal(exported, err)
	}
	exported.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}
	text, err := yaml.Marshal(exported)
	if err != nil {
		t.Fatal(err)
	}
	v.write("k8s/a.yaml", string(text))
	apply("exported", "unchanged")
	if err := clients.CoreV1().Secrets("forms").Delete(t.Context(), "token", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	apply("exported, and gone", "create")
}
