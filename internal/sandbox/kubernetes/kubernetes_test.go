package kubernetes_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	apply "k8s.io/client-go/applyconfigurations/core/v1"
	client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
)

// open serves the objects in dir, and returns the server and a client for it.
func open(t *testing.T, dir string) (*kubernetes.Server, *client.CoreV1Client) {
	t.Helper()
	server, err := kubernetes.New(dir, "ns", "other")
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	c, err := client.NewForConfig(&rest.Config{Host: listening.URL, UserAgent: "tester/1.0 (linux)", QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return server, c
}

// must returns a function that fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func secretOf(name string, data ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{}}
	for n := 0; n < len(data); n += 2 {
		s.StringData[data[n]] = data[n+1]
	}
	return s
}

func applied(name string, data ...string) *apply.SecretApplyConfiguration {
	return apply.Secret(name, "ns").WithData(func() map[string][]byte {
		m := map[string][]byte{}
		for n := 0; n < len(data); n += 2 {
			m[data[n]] = []byte(data[n+1])
		}
		return m
	}())
}

// TestApply checks that each field manager owns what it applies: another one's values are
// conflicts, and what a manager leaves out is removed if nobody else has it.
func TestApply(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	secrets, ctx := c.Secrets("ns"), t.Context()
	by := func(manager string) metav1.ApplyOptions { return metav1.ApplyOptions{FieldManager: manager} }
	first := must[*corev1.Secret](t)(secrets.Apply(ctx, applied("s", "a", "1", "b", "1"), by("one")))

	_, err := secrets.Apply(ctx, applied("s", "a", "2"), by("two"))
	var status *apierrors.StatusError
	if !errors.As(err, &status) || !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "one": .data.a`) {
		t.Errorf("another manager's value is %v", err)
	} else if len(status.ErrStatus.Details.Causes) != 1 || status.ErrStatus.Details.Causes[0].Field != ".data.a" {
		t.Errorf("the causes are %+v", status.ErrStatus.Details)
	}
	same := must[*corev1.Secret](t)(secrets.Apply(ctx, applied("s", "a", "1", "b", "1"), by("one")))
	if same.ResourceVersion != first.ResourceVersion {
		t.Errorf("applied again, and the resource version is %s instead of %s", same.ResourceVersion, first.ResourceVersion)
	}
	must[*corev1.Secret](t)(secrets.Apply(ctx, applied("s", "b", "1"), by("two"))) // the same value is no conflict
	left := must[*corev1.Secret](t)(secrets.Apply(ctx, applied("s", "c", "1"), by("one")))
	if _, has := left.Data["a"]; has || string(left.Data["b"]) != "1" || string(left.Data["c"]) != "1" {
		t.Errorf("data %q: a is nobody's, b is two's, c is one's", left.Data)
	}
	if left.ResourceVersion == first.ResourceVersion || left.UID != first.UID {
		t.Errorf("changed from %s %s to %s %s", first.UID, first.ResourceVersion, left.UID, left.ResourceVersion)
	}
	forced := must[*corev1.Secret](t)(secrets.Apply(ctx, applied("s", "c", "2"), metav1.ApplyOptions{FieldManager: "two", Force: true}))
	if string(forced.Data["c"]) != "2" {
		t.Errorf("forced, and c is %q", forced.Data["c"])
	}
	if _, err = secrets.Apply(ctx, applied("s", "c", "1"), by("one")); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "two"`) {
		t.Errorf("the forced value is not two's: %v", err)
	}
	if _, err = secrets.Apply(ctx, applied("s"), by("")); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "is required for apply patch") {
		t.Errorf("without a field manager: %v", err)
	}
}

// TestManagers checks which manager owns the fields of requests that are no apply.
func TestManagers(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	secrets, ctx := c.Secrets("ns"), t.Context()
	must[*corev1.Secret](t)(secrets.Create(ctx, secretOf("s", "a", "1"), metav1.CreateOptions{}))
	patched := must[*corev1.Secret](t)(secrets.Patch(ctx, "s", types.MergePatchType, []byte(`{"data":{"b":"MQ=="}}`), metav1.PatchOptions{FieldManager: "named"}))
	var managers []string
	for _, m := range patched.ManagedFields {
		managers = append(managers, m.Manager+" "+string(m.Operation))
	}
	if slices.Sort(managers); !slices.Equal(managers, []string{"named Update", "tester Update"}) {
		t.Errorf("managed by %q", managers)
	}
}

// TestPreconditions checks that a write that names a resource version, or a UID, fails if
// the object is another one by now.
func TestPreconditions(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	secrets, ctx := c.Secrets("ns"), t.Context()
	old := must[*corev1.Secret](t)(secrets.Create(ctx, secretOf("s", "k", "1"), metav1.CreateOptions{}))
	current := must[*corev1.Secret](t)(secrets.Patch(ctx, "s", types.MergePatchType, []byte(`{"stringData":{"k":"2"}}`), metav1.PatchOptions{}))
	version, uid := old.ResourceVersion, types.UID("another")
	for what, write := range map[string]func() error{
		"update": func() error { _, err := secrets.Update(ctx, old, metav1.UpdateOptions{}); return err },
		"patch": func() error {
			patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"stringData":{"k":"3"}}`, version)
			_, err := secrets.Patch(ctx, "s", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			return err
		},
		"apply": func() error {
			_, err := secrets.Apply(ctx, applied("s", "l", "3").WithResourceVersion(version), metav1.ApplyOptions{FieldManager: "one"})
			return err
		},
		"delete by version": func() error {
			return secrets.Delete(ctx, "s", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &version}})
		},
		"delete by UID": func() error {
			return secrets.Delete(ctx, "s", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
		},
	} {
		if err := write(); !apierrors.IsConflict(err) {
			t.Errorf("%s of an old version: %v", what, err)
		}
	}
	got := must[*corev1.Secret](t)(secrets.Get(ctx, "s", metav1.GetOptions{}))
	if string(got.Data["k"]) != "2" || len(got.Data) != 1 || got.ResourceVersion != current.ResourceVersion {
		t.Errorf("refused, and the secret is %v", got)
	}
	current.Data["k"] = []byte("4")
	latest := must[*corev1.Secret](t)(secrets.Update(ctx, current, metav1.UpdateOptions{}))
	if err := secrets.Delete(ctx, "s", metav1.DeleteOptions{Preconditions: metav1.NewRVDeletionPrecondition(latest.ResourceVersion).Preconditions}); err != nil {
		t.Errorf("delete of the current version: %v", err)
	}
}

// TestLists checks what selectors and namespaces select, and the order.
func TestLists(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	ctx := t.Context()
	for at, labels := range map[string]map[string]string{
		"ns/b": {"app": "x", "tier": "1"}, "ns/a": {"app": "x"}, "ns/c": {"app": "y"}, "other/a": {"app": "x"},
	} {
		namespace, name, _ := strings.Cut(at, "/")
		s := secretOf(name)
		s.Labels = labels
		must[*corev1.Secret](t)(c.Secrets(namespace).Create(ctx, s, metav1.CreateOptions{}))
		must[*corev1.ConfigMap](t)(c.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: s.ObjectMeta}, metav1.CreateOptions{}))
	}
	for _, test := range []struct{ namespace, labels, fields, want string }{
		{"ns", "", "", "ns/a ns/b ns/c"},
		{"", "", "", "ns/a ns/b ns/c other/a"},
		{"", "app=x", "", "ns/a ns/b other/a"},
		{"ns", "app=x,!tier", "", "ns/a"},
		{"ns", "app in (y,z)", "", "ns/c"},
		{"ns", "app=none", "", ""},
		{"", "", "metadata.name=a", "ns/a other/a"},
		{"", "app=x", "metadata.name!=a", "ns/b"},
		{"", "", "metadata.namespace=other", "other/a"},
	} {
		list := must[*corev1.SecretList](t)(c.Secrets(test.namespace).List(ctx, metav1.ListOptions{LabelSelector: test.labels, FieldSelector: test.fields}))
		var names []string
		for _, s := range list.Items {
			names = append(names, s.Namespace+"/"+s.Name)
		}
		if got := strings.Join(names, " "); got != test.want || list.ResourceVersion == "" || list.Continue != "" {
			t.Errorf("%+v: %q, version %q, continue %q", test, got, list.ResourceVersion, list.Continue)
		}
	}
	// A server may return more than the limit, but then it must return all.
	if list := must[*corev1.SecretList](t)(c.Secrets("").List(ctx, metav1.ListOptions{Limit: 1})); len(list.Items) != 4 || list.Continue != "" {
		t.Errorf("%d of 4 with a limit, continue %q", len(list.Items), list.Continue)
	}
}

// TestRefused checks that what the cluster refuses has Kubernetes' reason and words, and
// changes nothing.
func TestRefused(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	secrets, ctx := c.Secrets("ns"), t.Context()
	must[*corev1.Secret](t)(secrets.Create(ctx, secretOf("s", "k", "1"), metav1.CreateOptions{}))
	create := func(s *corev1.Secret) error {
		_, err := secrets.Create(ctx, s, metav1.CreateOptions{})
		return err
	}
	patch := func(form types.PatchType, body string) error {
		_, err := secrets.Patch(ctx, "s", form, []byte(body), metav1.PatchOptions{FieldManager: "one"})
		return err
	}
	for what, test := range map[string]struct {
		err    error
		reason metav1.StatusReason
		words  string
	}{
		"a name that is none":  {create(secretOf("No")), metav1.StatusReasonInvalid, `Secret "No" is invalid: metadata.name: Invalid value: "No": a lowercase RFC 1123 subdomain`},
		"no name":              {create(secretOf("")), metav1.StatusReasonInvalid, "metadata.name: Invalid value: name or generateName is required"},
		"a name that is taken": {create(secretOf("s")), metav1.StatusReasonAlreadyExists, `secrets "s" already exists`},
		"a key that is none":   {create(secretOf("t", "a/b", "1")), metav1.StatusReasonInvalid, "data[a/b]: Invalid value: a valid config key must consist of"},
		"another namespace": {create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "t", Namespace: "other"}}), metav1.StatusReasonBadRequest,
			"the namespace of the provided object does not match the namespace sent on the request"},
		"too much data": {create(secretOf("t", "k", strings.Repeat("x", corev1.MaxSecretSize+1))), metav1.StatusReasonInvalid, "Too long: may not be more than 1048576 bytes"},
		"a huge body":   {create(secretOf("t", "k", strings.Repeat("x", 3<<20))), metav1.StatusReasonRequestEntityTooLarge, "limit is 3145728"},
		"a pull secret that is no JSON": {create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "t"}, Type: corev1.SecretTypeDockerConfigJson, StringData: map[string]string{".dockerconfigjson": "hush"}}),
			metav1.StatusReasonInvalid, `data[.dockerconfigjson]: Invalid value: Invalid value: "<secret contents redacted>"`},
		"another type":      {patch(types.MergePatchType, `{"type":"x"}`), metav1.StatusReasonInvalid, "type: Invalid value: field is immutable"},
		"another name":      {patch(types.MergePatchType, `{"metadata":{"name":"t"}}`), metav1.StatusReasonBadRequest, "the name of the object does not match the name on the URL"},
		"a way out":         {patch(types.MergePatchType, `{"metadata":{"name":"../../../t"}}`), metav1.StatusReasonBadRequest, "the name of the object does not match the name on the URL"},
		"apply by any name": {patch(types.ApplyPatchType, `{"metadata":{"name":"t"}}`), metav1.StatusReasonBadRequest, "the name of the object does not match the name on the URL"},
		"apply elsewhere": {patch(types.ApplyPatchType, `{"metadata":{"name":"s","namespace":"other"}}`), metav1.StatusReasonBadRequest,
			"the namespace of the provided object does not match the namespace sent on the request"},
		"a patch that is none": {patch(types.JSONPatchType, `[{"op":"remove","path":"/data/none"}]`), metav1.StatusReasonBadRequest, "Unable to remove nonexistent key: none"},
		"a form that is none":  {patch("text/plain", ``), metav1.StatusReasonUnsupportedMediaType, "the patch type text/plain is not supported"},
		"another dry run": {func() error {
			_, err := secrets.Create(ctx, secretOf("t"), metav1.CreateOptions{DryRun: []string{"Some"}})
			return err
		}(), metav1.StatusReasonBadRequest, `dryRun: Unsupported value: ["Some"]: supported values: "All"`},
		"a dry deletion of nothing": {secrets.Delete(ctx, "t", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}), metav1.StatusReasonNotFound, `secrets "t" not found`},
		"a watch from nowhere":      {func() error { _, err := secrets.Watch(ctx, metav1.ListOptions{ResourceVersion: "x"}); return err }(), metav1.StatusReasonBadRequest, `invalid resource version "x"`},
		"a watch of the future": {func() error { _, err := secrets.Watch(ctx, metav1.ListOptions{ResourceVersion: "999"}); return err }(), metav1.StatusReasonExpired,
			"too old resource version: 999"},
		"all of a cluster": {c.Secrets("").DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}), metav1.StatusReasonMethodNotAllowed,
			"delete is not supported on resources of kind \"secrets\""},
		"a version of a new object": {create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "t", ResourceVersion: "1"}}), metav1.StatusReasonBadRequest,
			"resourceVersion should not be set on objects to be created"},
		"an unknown field": {func() error {
			_, err := secrets.List(ctx, metav1.ListOptions{FieldSelector: "data.k=1"})
			return err
		}(), metav1.StatusReasonBadRequest, `field label not supported: data.k`},
		"a selector that is none": {func() error { _, err := secrets.List(ctx, metav1.ListOptions{LabelSelector: "a in b"}); return err }(),
			metav1.StatusReasonBadRequest, "unable to parse requirement"},
		"pods": {func() error { _, err := c.Pods("ns").List(ctx, metav1.ListOptions{}); return err }(), metav1.StatusReasonNotFound, "the server could not find the requested resource"},
	} {
		if reason := apierrors.ReasonForError(test.err); reason != test.reason || !strings.Contains(fmt.Sprint(test.err), test.words) {
			t.Errorf("%s: %s: %v\nwant %s: %s", what, reason, test.err, test.reason, test.words)
		}
		if strings.Contains(fmt.Sprint(test.err), "hush") {
			t.Errorf("%s: the error has the secret value", what)
		}
	}
	list := must[*corev1.SecretList](t)(c.Secrets("").List(ctx, metav1.ListOptions{}))
	if len(list.Items) != 1 || list.Items[0].Type != corev1.SecretTypeOpaque || len(list.Items[0].Data) != 1 {
		t.Errorf("refused, and the secrets are %v", list.Items)
	}
}

// TestRestart checks that objects, their owners and resource versions outlast the server,
// and that what was deleted does not come back.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), t.Context()
	_, c := open(t, dir)
	before := must[*corev1.Secret](t)(c.Secrets("ns").Apply(ctx, applied("s", "k", "1"), metav1.ApplyOptions{FieldManager: "one"}))
	must[*corev1.Secret](t)(c.Secrets("ns").Create(ctx, secretOf("gone"), metav1.CreateOptions{}))
	must[*corev1.Secret](t)(c.Secrets("other").Create(ctx, secretOf("with-its-namespace"), metav1.CreateOptions{}))
	must[*corev1.ConfigMap](t)(c.ConfigMaps("ns").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}, Data: map[string]string{"k": "text"}, BinaryData: map[string][]byte{"b": {0}}}, metav1.CreateOptions{}))
	for _, err := range []error{c.Secrets("ns").Delete(ctx, "gone", metav1.DeleteOptions{}), c.Namespaces().Delete(ctx, "other", metav1.DeleteOptions{})} {
		if err != nil {
			t.Fatal(err)
		}
	}

	server, c := open(t, dir)
	after := must[*corev1.SecretList](t)(c.Secrets("").List(ctx, metav1.ListOptions{}))
	if len(after.Items) != 1 || after.Items[0].UID != before.UID || after.Items[0].ResourceVersion != before.ResourceVersion || string(after.Items[0].Data["k"]) != "1" {
		t.Fatalf("kept %v, want %v", after.Items, before)
	}
	_, err := c.Secrets("ns").Apply(ctx, applied("s", "k", "2"), metav1.ApplyOptions{FieldManager: "two"})
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "one"`) {
		t.Errorf("the owner is forgotten: %v", err)
	}
	changed := must[*corev1.Secret](t)(c.Secrets("ns").Apply(ctx, applied("s", "k", "3"), metav1.ApplyOptions{FieldManager: "one"}))
	if number(t, changed.ResourceVersion) <= number(t, before.ResourceVersion) {
		t.Errorf("the resource version went from %s to %s", before.ResourceVersion, changed.ResourceVersion)
	}
	data, ok := server.ConfigMap("ns", "m")
	if !ok || string(data["k"]) != "text" || string(data["b"]) != "\x00" {
		t.Errorf("the data of the ConfigMap is %q, %v", data, ok)
	}
	if data, ok := server.Secret("ns", "s"); !ok || string(data["k"]) != "3" {
		t.Errorf("the data of the Secret is %q, %v", data, ok)
	}
	if _, ok := server.Secret("ns", "gone"); ok {
		t.Error("the deleted Secret is back")
	}
}

func number(t *testing.T, version string) int {
	t.Helper()
	n, err := strconv.Atoi(version)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
