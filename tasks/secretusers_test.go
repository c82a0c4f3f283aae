package tasks

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestSecretUsers changes a secret that a service of slipway.yaml, a Deployment, a
// StatefulSet and a pod use, on a real API server. They are named, and those that can be
// restarted are, with --restart.
func TestSecretUsers(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	conflicting(t, access)
	const kind = "polyaxon: {host: HOST}\nsecrets: {token: {data: {token: env:TOKEN}}, other: {data: {token: env:TOKEN}}}"
	env, events, _ := serving(t, strings.Replace(kind, "HOST", "'"+sandboxtest.Polyaxon(t, "2.18", buildJob(t))+"'", 1), writeKubeconfig(t, access))
	component, err := os.ReadFile("api.yml")
	if err != nil {
		t.Fatal(err)
	}
	component = append(component, "    envFrom: [{secretRef: {name: token}}]\n"...)
	if err := os.WriteFile("api.yml", component, 0o600); err != nil {
		t.Fatal(err)
	}
	value := "the-first-value"
	env.Lookup = func(name string) (string, bool) { return value, name == "TOKEN" }
	workloads(t, clients)
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "gcp-sa-credentials"}}
	if _, err := clients.CoreV1().Secrets(sandboxtest.Namespace).Create(t.Context(), credentials, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	up, err := Up(ctx, env, UpOptions{Service: "api"}) // it creates the secrets
	if err != nil {
		t.Fatal(err)
	}
	if text := events.String(); strings.Contains(text, "uses secret") {
		t.Errorf("a new secret has users:\n%s", text)
	}
	restarted := func(name string) string {
		t.Helper()
		d, err := clients.AppsV1().Deployments(sandboxtest.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"]
	}
	users := func(result *Result) []string {
		var all []string
		for _, s := range result.Secrets {
			for _, u := range s.Users {
				text := s.Name + ": " + u.Kind + " " + u.Name
				if u.Restarted {
					text += ", restarted"
				}
				all = append(all, text)
			}
		}
		slices.Sort(all)
		return all
	}
	named := []string{"token: Deployment web", "token: Pod bare", "token: StatefulSet db", "token: service api"}

	// Without --restart, they are only named, by plan and by sync.
	value = "the-second-value"
	planned, err := SecretsPlan(ctx, env, SecretsOptions{Restart: true})
	if err != nil || !slices.Equal(users(planned), named) || restarted("web") != "" {
		t.Errorf("planned: %q, %v", users(planned), err)
	}
	synced, err := SecretsSync(ctx, env, SecretsOptions{})
	if err != nil || !slices.Equal(users(synced), named) || restarted("web") != "" || synced.Secrets[1].Users[0].Run != up.Jobs[0].UUID {
		t.Errorf("synced: %q, %v", users(synced), err)
	}
	for _, want := range []string{
		"service api uses secret token, whose value changes; it may keep the old value until it is restarted (slipway secrets sync --restart does both)",
		"service api uses secret token, whose value changes; it may keep the old value until it is restarted (slipway down api, then slipway up api; with --restart, a sync does that)",
		"Deployment web uses secret token, whose value changes; it may keep the old value until it is restarted (kubectl rollout restart deployment web; with --restart, a sync does that)",
		"Pod bare uses secret token, whose value changes; it may keep the old value until it ends",
	} {
		if !strings.Contains(events.String(), want) {
			t.Errorf("%q is not in\n%s", want, events)
		}
	}

	// With it, the service gets another run, and the rest new pods.
	value = "the-third-value"
	deployed, err := Deploy(ctx, env, DeployOptions{Restart: true})
	if want := []string{"token: Deployment web, restarted", "token: Pod bare", "token: StatefulSet db, restarted", "token: service api, restarted"}; err != nil || !slices.Equal(users(deployed), want) {
		t.Errorf("restarted: %q, %v", users(deployed), err)
	}
	if restarted("web") == "" || restarted("unconcerned") != "" {
		t.Errorf("web was restarted at %q, and another one at %q", restarted("web"), restarted("unconcerned"))
	}
	list, err := Runs(ctx, env, RunsOptions{Services: true})
	if err != nil {
		t.Fatal(err)
	}
	alive := slices.DeleteFunc(list.Runs, func(r report.Run) bool { return r.Status == "stopped" })
	if len(alive) != 1 || alive[0].UUID == up.Jobs[0].UUID || alive[0].RunName != "api" {
		t.Errorf("after the restart of run %s there are %+v", up.Jobs[0].UUID, alive)
	}

	// Nothing is looked for when no value changes. A user who may not list anything gets a
	// note, and the secrets are synced.
	before := len(events.String())
	if again, err := SecretsSync(ctx, env, SecretsOptions{Restart: true}); err != nil || len(users(again)) > 0 || strings.Contains(events.String()[before:], "uses") {
		t.Errorf("again: %q, %v", users(again), err)
	}
	poor := rest.CopyConfig(access)
	poor.Impersonate.UserName = "ci"
	if err := os.WriteFile("kubeconfig", []byte(writeKubeconfig(t, poor)), 0o600); err != nil {
		t.Fatal(err)
	}
	allow(t, clients, "ci", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create", "patch"}})
	value = "the-fourth-value"
	synced, err = SecretsSync(ctx, env, SecretsOptions{})
	if err != nil || synced.Secrets[0].Action != "update" || !slices.Equal(users(synced), []string{"token: service api"}) ||
		!strings.Contains(events.String(), `it is not visible what else uses the secrets: list deployments in namespace polyaxon-v1 of cluster a:`) {
		t.Errorf("%q, %v\n%s", users(synced), err, events)
	}
	if _, err := Down(ctx, env, DownOptions{Service: "api"}); err != nil {
		t.Error(err)
	}
}

// workloads creates objects that use the secret token, and one that does not.
func workloads(t *testing.T, clients kubernetes.Interface) {
	t.Helper()
	must := must(t)
	const ns = sandboxtest.Namespace
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}}
	}
	template := func(name, secret string) corev1.PodTemplateSpec {
		p := pod(name, map[string]string{"app": name})
		p.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: secret}}}}
		p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "token"}}
		return corev1.PodTemplateSpec{ObjectMeta: meta(name), Spec: p.Spec}
	}
	selector := func(name string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	}
	must(clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}))
	must(clients.CoreV1().ServiceAccounts(ns).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}))
	for name, secret := range map[string]string{"web": "token", "unconcerned": "elsewhere"} {
		must(clients.AppsV1().Deployments(ns).Create(t.Context(), &appsv1.Deployment{ObjectMeta: meta(name),
			Spec: appsv1.DeploymentSpec{Selector: selector(name), Template: template(name, secret)}}, metav1.CreateOptions{}))
	}
	must(clients.AppsV1().StatefulSets(ns).Create(t.Context(), &appsv1.StatefulSet{ObjectMeta: meta("db"),
		Spec: appsv1.StatefulSetSpec{Selector: selector("db"), Template: template("db", "token")}}, metav1.CreateOptions{}))
	bare := pod("bare", nil)
	bare.Spec.Volumes = []corev1.Volume{{Name: "token", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "token"}}}}
	must(clients.CoreV1().Pods(ns).Create(t.Context(), bare, metav1.CreateOptions{}))
}
