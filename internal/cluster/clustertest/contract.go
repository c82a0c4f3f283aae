// Package clustertest is the contract that every Kubernetes API server must fulfill for
// slipway. The same tests run against the sandbox's cluster and real ones.
package clustertest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Contract runs the tests against the API server of access.
func Contract(t *testing.T, access *rest.Config) {
	ctx := t.Context()
	c, err := cluster.Connect(access, "contract", "test")
	if err != nil {
		t.Fatal(err)
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(t, c.EnsureNamespace(ctx))
	must(t, c.EnsureNamespace(ctx))
	secrets := c.Client.CoreV1().Secrets(c.Namespace)
	bundle := func(name string, data ...string) secret.Bundle {
		values := map[string]secret.Value{}
		for i := 0; i < len(data); i += 2 {
			values[data[i]] = secret.NewValue([]byte(data[i+1]))
		}
		b := secret.Opaque(name, values)
		b.Project = "p"
		return b
	}
	actions := func(changes []secret.Change) string {
		var texts []string
		for _, c := range changes {
			texts = append(texts, c.Name+" "+string(c.Action))
		}
		return strings.Join(texts, ", ")
	}

	t.Run("secrets are created, kept, updated and pruned", func(t *testing.T) {
		for _, step := range []struct {
			bundles []secret.Bundle
			prune   bool
			want    string
		}{
			{[]secret.Bundle{bundle("a", "k", "1"), bundle("b", "k", "1")}, false, "a create, b create"},
			{[]secret.Bundle{bundle("a", "k", "1"), bundle("b", "k", "1")}, true, "a unchanged, b unchanged"},
			{[]secret.Bundle{bundle("a", "k", "2", "l", "3"), bundle("b", "k", "1")}, false, "a update, b unchanged"},
			{[]secret.Bundle{bundle("a", "l", "3")}, false, "a update"},
			{[]secret.Bundle{bundle("a", "l", "3")}, true, "a unchanged, b prune"},
			{[]secret.Bundle{bundle("a", "l", "3")}, true, "a unchanged"},
		} {
			planned, err := secret.Plan(ctx, c.Secrets(), secret.Wanted{Project: "p", Bundles: step.bundles, Prune: step.prune})
			must(t, err)
			done, err := secret.Sync(ctx, c.Secrets(), secret.Wanted{Project: "p", Bundles: step.bundles, Prune: step.prune})
			must(t, err)
			if actions(planned) != step.want || actions(done) != step.want {
				t.Errorf("planned %q, did %q, want %q", actions(planned), actions(done), step.want)
			}
		}
		a, err := secrets.Get(ctx, "a", metav1.GetOptions{})
		must(t, err)
		if len(a.Data) != 1 || string(a.Data["l"]) != "3" || a.UID == "" || a.ResourceVersion == "" || a.CreationTimestamp.IsZero() {
			t.Errorf("a is %+v", a)
		}
		managed := a.ManagedFields
		if len(managed) != 1 || managed[0].Manager != cluster.FieldManager || managed[0].Operation != metav1.ManagedFieldsOperationApply {
			t.Errorf("managed fields %+v", managed)
		}
	})
	t.Run("a foreign secret is adopted, and its other keys stay", func(t *testing.T) {
		_, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}, StringData: map[string]string{"theirs": "x", "k": "old"}}, metav1.CreateOptions{FieldManager: "somebody"})
		must(t, err)
		foreign := secret.Wanted{Project: "p", Bundles: []secret.Bundle{bundle("foreign", "k", "new"), bundle("late", "k", "1")}}
		conflict := new(secret.ConflictError)
		_, err = secret.Sync(ctx, c.Secrets(), foreign)
		if !errors.As(err, &conflict) || conflict.Secret != "foreign" || !slices.Equal(conflict.Conflicts, []secret.Conflict{{Field: ".data.k", Manager: "somebody"}}) {
			t.Errorf("a conflict is %v", err)
		}
		if err := c.Secrets().Apply(ctx, foreign.Bundles[0], false); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "somebody" using v1: .data.k`) {
			t.Errorf("the server reports it as %v", err)
		}
		before, err := secrets.Get(ctx, "foreign", metav1.GetOptions{})
		must(t, err)
		if _, err := secrets.Get(ctx, "late", metav1.GetOptions{}); string(before.Data["k"]) != "old" || len(before.Labels) > 0 || !apierrors.IsNotFound(err) {
			t.Errorf("refused, and there is %v, %v", before, err)
		}
		foreign.Force = true
		_, err = secret.Sync(ctx, c.Secrets(), foreign)
		must(t, err)
		got, err := secrets.Get(ctx, "foreign", metav1.GetOptions{})
		must(t, err)
		if string(got.Data["theirs"]) != "x" || string(got.Data["k"]) != "new" || got.Labels[secret.LabelManagedBy] != cluster.FieldManager {
			t.Errorf("data %v, labels %v", got.Data, got.Labels)
		}
		foreign.Force = false
		changes, err := secret.Sync(ctx, c.Secrets(), foreign)
		must(t, err)
		if got := actions(changes); got != "foreign unchanged, late unchanged" {
			t.Errorf("afterwards: %s", got)
		}
	})
	t.Run("server-side apply reports conflicts", func(t *testing.T) {
		wanted := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "conflict"}, Data: map[string][]byte{"k": []byte("1")}}
		_, err := secrets.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: "one"})
		must(t, err)
		other := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "conflict"}, Data: map[string][]byte{"k": []byte("2")}}
		_, err = secrets.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two"})
		if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `conflict with "one"`) {
			t.Errorf("no conflict: %v", err)
		}
		got, err := secrets.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two", Force: true})
		must(t, err)
		if string(got.Data["k"]) != "2" {
			t.Errorf("forced, and the value is %q", got.Data["k"])
		}
	})
	t.Run("errors have their kinds", func(t *testing.T) {
		_, err := secrets.Get(ctx, "nothing", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("a missing secret: %v", err)
		}
		_, err = secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "Not A Name"}}, metav1.CreateOptions{})
		if !apierrors.IsInvalid(err) {
			t.Errorf("a bad name: %v", err)
		}
		_, err = secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "pull"}, Type: corev1.SecretTypeDockerConfigJson}, metav1.CreateOptions{})
		if !apierrors.IsInvalid(err) {
			t.Errorf("a pull secret without its key: %v", err)
		}
		_, err = c.Client.CoreV1().Secrets("no-such-namespace").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.CreateOptions{})
		if !apierrors.IsNotFound(err) {
			t.Errorf("a missing namespace: %v", err)
		}
		created, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "once"}}, metav1.CreateOptions{})
		must(t, err)
		if created.Type != corev1.SecretTypeOpaque {
			t.Errorf("type %q", created.Type)
		}
		if _, err = secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "once"}}, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			t.Errorf("created twice: %v", err)
		}
		created.Type = "other"
		if _, err = secrets.Update(ctx, created, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
			t.Errorf("the type was changed: %v", err)
		}
		created.Type, created.ResourceVersion = corev1.SecretTypeOpaque, "1"
		if _, err = secrets.Update(ctx, created, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			t.Errorf("updated from an old version: %v", err)
		}
	})
	t.Run("patches and selectors work", func(t *testing.T) {
		must2 := func(_ *corev1.Secret, err error) { t.Helper(); must(t, err) }
		must2(secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "patched", Labels: map[string]string{"l": "1"}}, StringData: map[string]string{"k": "1"}}, metav1.CreateOptions{}))
		must2(secrets.Patch(ctx, "patched", types.MergePatchType, []byte(`{"metadata":{"labels":{"l":"2"}}}`), metav1.PatchOptions{}))
		must2(secrets.Patch(ctx, "patched", types.StrategicMergePatchType, []byte(`{"stringData":{"m":"2"}}`), metav1.PatchOptions{}))
		must2(secrets.Patch(ctx, "patched", types.JSONPatchType, []byte(`[{"op":"remove","path":"/data/k"}]`), metav1.PatchOptions{}))
		list, err := secrets.List(ctx, metav1.ListOptions{LabelSelector: "l=2"})
		must(t, err)
		if len(list.Items) != 1 || string(list.Items[0].Data["m"]) != "2" || list.Items[0].Data["k"] != nil {
			t.Errorf("listed %+v", list.Items)
		}
		must(t, secrets.Delete(ctx, "patched", metav1.DeleteOptions{}))
		if err := secrets.Delete(ctx, "patched", metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("deleted twice: %v", err)
		}
	})
	t.Run("a pull secret is written", func(t *testing.T) {
		b := secret.DockerConfig("pull", "https://asia.gcr.io", secret.NewValue([]byte(`{"type":"service_account"}`)))
		b.Project = "p"
		_, err := secret.Sync(ctx, c.Secrets(), secret.Wanted{Project: "p", Bundles: []secret.Bundle{b}})
		must(t, err)
		got, err := secrets.Get(ctx, "pull", metav1.GetOptions{})
		must(t, err)
		if got.Type != corev1.SecretTypeDockerConfigJson || !strings.Contains(string(got.Data[corev1.DockerConfigJsonKey]), "_json_key") {
			t.Errorf("the secret is %v", got.Type)
		}
	})
	t.Run("secrets of other types are written", func(t *testing.T) {
		value := func(text string) secret.Value { return secret.NewValue([]byte(text)) }
		certified := secret.Bundle{Name: "tls", Type: secret.TypeTLS, Data: map[string]secret.Value{"tls.crt": value("c"), "tls.key": value("k")}}
		bundles := []secret.Bundle{certified, secret.BasicAuth("basic", "user", value("hush"))}
		for _, want := range []string{"basic create, tls create", "basic unchanged, tls unchanged"} {
			changes, err := secret.Sync(ctx, c.Secrets(), secret.Wanted{Bundles: bundles})
			must(t, err)
			if got := actions(changes); got != want {
				t.Errorf("did %q, want %q", got, want)
			}
		}
		basic, err := secrets.Get(ctx, "basic", metav1.GetOptions{})
		must(t, err)
		if basic.Type != corev1.SecretTypeBasicAuth || string(basic.Data["username"]) != "user" || string(basic.Data["password"]) != "hush" {
			t.Errorf("basic is %+v", basic)
		}
		for _, kind := range []corev1.SecretType{corev1.SecretTypeTLS, corev1.SecretTypeBasicAuth} {
			_, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "empty"}, Type: kind}, metav1.CreateOptions{})
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), ": Required value") {
				t.Errorf("without data: %v", err)
			}
		}
	})
	t.Run("immutable secrets", func(t *testing.T) {
		frozen := bundle("frozen", "k", "1")
		sync := func(change func(*secret.Bundle)) (string, error) {
			b := frozen
			change(&b)
			changes, err := secret.Sync(ctx, c.Secrets(), secret.Wanted{Project: "p", Bundles: []secret.Bundle{b}, Force: true})
			return actions(changes), err
		}
		for _, step := range []struct {
			what, want, refused string
			change              func(*secret.Bundle)
		}{
			{"one that can change", "frozen create", "", func(*secret.Bundle) {}},
			{"the same, immutable", "frozen update", "", func(b *secret.Bundle) { b.Immutable = true }},
			{"again", "frozen unchanged", "", func(b *secret.Bundle) { b.Immutable = true }},
			{"another value", "", "has another value there (k)", func(b *secret.Bundle) {
				b.Immutable, b.Data = true, map[string]secret.Value{"k": secret.NewValue([]byte("2"))}
			}},
			{"another key", "", "has another value there (k, l)", func(b *secret.Bundle) {
				b.Immutable, b.Data = true, map[string]secret.Value{"l": secret.NewValue([]byte("1"))}
			}},
			{"no longer immutable", "", "Kubernetes cannot undo that", func(*secret.Bundle) {}},
			{"another project's", "frozen update", "", func(b *secret.Bundle) { b.Immutable, b.Project = true, "q" }},
		} {
			done, err := sync(step.change)
			located := new(source.Error)
			if done != step.want || step.refused == "" && err != nil || step.refused != "" && (!errors.As(err, &located) || !strings.Contains(err.Error(), step.refused)) {
				t.Errorf("%s: did %q, %v", step.what, done, err)
			}
		}
		const words = "Forbidden: field is immutable when `immutable` is set"
		for what, patch := range map[string]string{"data": `{"data":{"k":"Mg=="}}`, "immutable": `{"immutable":false}`} {
			_, err := secrets.Patch(ctx, "frozen", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), `Secret "frozen" is invalid: `+what+`: `+words) {
				t.Errorf("%s is changed: %v", what, err)
			}
		}
		must(t, c.Secrets().Delete(ctx, "frozen"))
	})

	t.Run("names are listed, and the agent's connections", func(t *testing.T) {
		connections := func() ([]string, bool, error) {
			maps, err := c.ConfigMaps(ctx)
			must(t, err)
			all, known, err := cluster.AgentConnections(maps)
			var names []string
			for _, one := range all {
				names = append(names, one.Name)
			}
			return names, known, err
		}
		if _, known, err := connections(); err != nil || known {
			t.Errorf("connections without an agent: %v, %v", known, err)
		}
		must(t, c.Secrets().Apply(ctx, bundle("named", "key", "value"), false))
		agent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "agent-config"}, Data: map[string]string{
			"POLYAXON_AGENT_CONNECTIONS": `[{"name": "data", "kind": "volume_claim"}, {"name": "repo", "kind": "git"}]`, "POLYAXON_AGENT_ARTIFACTS_STORE": `{"name": "store"}`,
		}}
		_, err = c.Client.CoreV1().ConfigMaps(c.Namespace).Apply(ctx, agent, metav1.ApplyOptions{FieldManager: "test", Force: true})
		must(t, err)
		for resource, want := range map[string]string{"secrets": "named", "configmaps": "agent-config"} {
			if names, err := c.Names(ctx, resource); err != nil || !slices.Contains(names, want) {
				t.Errorf("%s: %v, %v", resource, names, err)
			}
		}
		names, known, err := connections()
		if err != nil || !known || !slices.Equal(names, []string{"data", "repo", "store"}) {
			t.Errorf("connections %v, %v, %v", names, known, err)
		}
		if keys, found, err := c.SecretKeys(ctx, "named"); err != nil || !found || !slices.Equal(keys, []string{"key"}) {
			t.Errorf("keys %v, %v, %v", keys, found, err)
		}
		if _, found, err := c.SecretKeys(ctx, "unnamed"); err != nil || found {
			t.Errorf("a secret that does not exist: %v, %v", found, err)
		}
		if _, err := c.Names(ctx, "nothings"); err == nil {
			t.Error("there are nothings")
		}
	})
}
