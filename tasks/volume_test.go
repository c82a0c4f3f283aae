package tasks

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestVolumeOnCluster creates the claim of the persistent volume in a real API server. The
// test does what the cluster's volume controller does.
func TestVolumeOnCluster(t *testing.T) {
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	ctx := t.Context()
	must := must(t)
	const namespace = "polyaxon-v1"
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }
	claims := clients.CoreV1().PersistentVolumeClaims(namespace)
	must(clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: named(namespace)}, metav1.CreateOptions{}))
	delayed, grows := storagev1.VolumeBindingWaitForFirstConsumer, true
	for _, class := range []*storagev1.StorageClass{
		{ObjectMeta: named("filestore"), Provisioner: "test/none", AllowVolumeExpansion: &grows},
		{ObjectMeta: named("standard"), Provisioner: "test/none", VolumeBindingMode: &delayed},
	} {
		must(clients.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}))
	}

	t.Chdir(t.TempDir())
	w, kubeconfig := watch(t, access)
	events := &eventLog{}
	slept := 0
	whileWaiting := func(int) {}
	env := &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now, Lookup: func(string) (string, bool) { return "", false },
		Sleep: func(ctx context.Context, _ time.Duration) error { slept++; whileWaiting(slept); return ctx.Err() }}
	host := sandboxtest.Polyaxon(t, "1.11.3", "")
	job := "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1}}\n"
	must(nil, os.WriteFile("job.yml", []byte(job), 0o600))
	must(nil, os.WriteFile("kubeconfig", []byte(kubeconfig), 0o600))
	write := func(volume string) {
		t.Helper()
		events.text.Reset()
		w.taken()
		slept = 0
		must(nil, os.WriteFile("slipway.yaml", []byte("project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n"+
			"polyaxon: {host: '"+host+"'}\nvolume: "+volume+"\njobs: {job: {polyaxonfile: job.yml, credentials: false}}\n"), 0o600))
	}
	plan := func() (report.Volume, int, error) {
		result, err := Plan(ctx, env, PlanOptions{})
		if result == nil || len(result.Volumes) != 1 {
			return report.Volume{}, 0, err
		}
		return result.Volumes[0], result.Changes, err
	}
	submit := func() (report.Volume, error) {
		result, err := Submit(ctx, env, SubmitOptions{Job: "job"})
		if result == nil || len(result.Volumes) != 1 {
			return report.Volume{}, err
		}
		return result.Volumes[0], err
	}
	bind := func(name string, phase corev1.PersistentVolumeClaimPhase) {
		t.Helper()
		claim, err := claims.Get(ctx, name, metav1.GetOptions{})
		must(nil, err)
		claim.Status.Phase, claim.Status.Capacity = phase, claim.Spec.Resources.Requests
		must(claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{}))
	}
	tell := func(claim, reason, message string) {
		t.Helper()
		must(clients.CoreV1().Events(namespace).Create(ctx, &corev1.Event{ObjectMeta: metav1.ObjectMeta{GenerateName: "e"}, Reason: reason, Message: message,
			InvolvedObject: corev1.ObjectReference{Kind: "PersistentVolumeClaim", Name: claim, Namespace: namespace}, LastTimestamp: metav1.Now()}, metav1.CreateOptions{}))
	}

	// A class that does not exist is refused before anything is changed.
	write("{claim: data, create: {size: 100Gi, access: ReadWriteMany, class: filestor}}")
	for what, do := range map[string]func() error{
		"plan":   func() error { _, _, err := plan(); return err },
		"submit": func() error { _, err := submit(); return err },
	} {
		if err := do(); ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), "slipway.yaml:5:") || !strings.Contains(err.Error(), "storage class filestor not found") || !strings.Contains(err.Error(), "did you mean filestore?") {
			t.Errorf("%s: %v", what, err)
		}
	}

	// Without create, the claim has to be there.
	write("{claim: gone}")
	if _, err := submit(); ExitCode(err) != ExitUsage || err.Error() != "slipway.yaml:5:17: volume claim gone not found in the cluster of the run (with volume.create, deploy creates a claim that is missing)" {
		t.Errorf("without create: %v", err)
	}

	// Without a class, the cluster needs a default.
	write("{claim: data, create: {size: 100Gi, access: ReadWriteMany}}")
	if _, _, err := plan(); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "has no default storage class: the volume claim could never be bound (name a class by volume.create.class: filestore, standard)") {
		t.Errorf("without a default class: %v", err)
	}

	// A quota that allows no claim is seen before anything is changed.
	quota, err := clients.CoreV1().ResourceQuotas(namespace).Create(ctx, &corev1.ResourceQuota{ObjectMeta: named("disks"),
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.storage": resource.MustParse("10Gi")}}}, metav1.CreateOptions{})
	must(nil, err)
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{"requests.storage": resource.MustParse("0")}}
	must(clients.CoreV1().ResourceQuotas(namespace).UpdateStatus(ctx, quota, metav1.UpdateOptions{}))
	write("{claim: data, create: {size: 100Gi, access: ReadWriteMany, class: filestore}}")
	if _, err := submit(); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "exceeded quota: disks") {
		t.Errorf("above the quota: %v", err)
	}
	must(nil, clients.CoreV1().ResourceQuotas(namespace).Delete(ctx, "disks", metav1.DeleteOptions{}))

	// It is created, and waited for until it is bound. Then it is left alone.
	write("{claim: data, create: {size: 100Gi, access: ReadWriteMany, class: filestore}}")
	want := report.Volume{Claim: "data", Action: "create", Size: "100Gi", Access: "ReadWriteMany", Class: "filestore"}
	planned, changes, err := plan()
	if diff := cmp.Diff(want, planned); diff != "" || err != nil || changes != 2 {
		t.Errorf("planned %d changes, %v: %s", changes, err, diff)
	}
	for request := range w.taken() {
		if !strings.HasPrefix(request, "GET ") && request != "POST persistentvolumeclaims as a dry run" {
			t.Errorf("plan sends %s", request)
		}
	}
	whileWaiting = func(n int) {
		if n == 1 {
			tell("data", "Provisioning", "External provisioner is provisioning volume")
		} else {
			bind("data", corev1.ClaimBound)
		}
	}
	made, err := submit()
	want.Status = "Bound"
	if diff := cmp.Diff(want, made); diff != "" || err != nil || slept != 2 || !strings.Contains(events.String(), "not bound yet: External provisioner is provisioning volume") {
		t.Errorf("slept %d times, %v: %s\n%s", slept, err, diff, events)
	}
	claim, err := claims.Get(ctx, "data", metav1.GetOptions{})
	must(nil, err)
	if claim.Labels["app.kubernetes.io/managed-by"] != "slipway" || claim.Labels["slipway.dev/project"] != "story" {
		t.Errorf("its labels are %v", claim.Labels)
	}
	write("{claim: data, create: {size: 50Gi, access: ReadWriteMany}}")
	want.Action = "unchanged"
	if again, err := submit(); err != nil || !cmp.Equal(again, want) || slept > 0 {
		t.Errorf("a smaller size: %+v, %v", again, err)
	}
	few := map[string]int{"GET /api/v1/namespaces/polyaxon-v1": 1, "GET resourcequotas": 1, "GET limitranges": 1, "GET persistentvolumeclaims/data": 2}
	if diff := cmp.Diff(few, w.taken()); diff != "" {
		t.Errorf("with nothing to do, the cluster is asked: %s", diff)
	}

	// What differs is told with what to do, and the deploy goes on.
	write("{claim: data, create: {size: 1Ti, access: ReadWriteOnce, class: standard}}")
	differs, changes, err := plan()
	if err != nil || differs.Action != "differs" || len(differs.Differences) != 3 || changes > 1 {
		t.Errorf("%d changes, %+v, %v", changes, differs, err)
	}
	for _, told := range []string{
		"volume claim data has 100Gi, and slipway.yaml asks for 1Ti: grow it with kubectl -n polyaxon-v1 patch pvc data",
		"has the access mode ReadWriteMany, and slipway.yaml asks for ReadWriteOnce: Kubernetes never changes it",
		`has the storage class "filestore", and slipway.yaml asks for "standard"`,
	} {
		if strings.Count(events.String(), told) != 1 {
			t.Errorf("%q is not told once:\n%s", told, events)
		}
	}
	if after, err := claims.Get(ctx, "data", metav1.GetOptions{}); err != nil || after.ResourceVersion != claim.ResourceVersion {
		t.Errorf("the claim was changed: %v", err)
	}

	// A class that waits for a pod is not waited for.
	write("{claim: later, create: {size: 1Gi, access: ReadWriteOnce, class: standard}}")
	if later, err := submit(); err != nil || later.Status != "Pending" || slept > 0 || !strings.Contains(events.String(), "to be bound when the first run uses it") {
		t.Errorf("%+v, %v, slept %d times\n%s", later, err, slept, events)
	}

	// What is never bound ends with the reason, before anything is submitted.
	write("{claim: never, create: {size: 1Gi, access: ReadWriteOnce, class: filestore}}")
	whileWaiting = func(n int) {
		if n == 1 {
			tell("never", "ProvisioningFailed", "quota SSD_TOTAL_GB exceeded")
		}
	}
	if never, err := submit(); ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "volume claim never was not bound within 10m0s: quota SSD_TOTAL_GB exceeded") || never.Status != "Pending" {
		t.Errorf("%+v, %v", never, err)
	}
	bind("never", corev1.ClaimLost)
	for what, do := range map[string]func() error{
		"plan":   func() error { _, _, err := plan(); return err },
		"submit": func() error { _, err := submit(); return err },
	} {
		w.taken()
		if err := do(); ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), "slipway.yaml:5:17: volume claim never has lost its volume") {
			t.Errorf("%s with a claim that is lost: %v", what, err)
		}
		if sent := w.taken(); sent["GET persistentvolumeclaims/never"] != 1 {
			t.Errorf("%s with a claim that is lost sends %v", what, sent)
		}
	}

	// A user who may read claims but not create them is told the permission. One who may not
	// read them either is told that nothing is known.
	rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"persistentvolumeclaims"}, Verbs: []string{"get"}}}
	must(clients.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: named("looks"), Rules: rules}, metav1.CreateOptions{}))
	must(clients.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: named("looks"),
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "looks"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}, metav1.CreateOptions{}))
	write("{claim: other, create: {size: 1Gi, access: ReadWriteOnce, class: filestore}}")
	w.set("ci", "")
	for what, do := range map[string]func() error{
		"plan":   func() error { _, _, err := plan(); return err },
		"submit": func() error { _, err := submit(); return err },
	} {
		if err := do(); ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), "slipway.yaml:5:32: create volume claim other") || !strings.Contains(err.Error(), "these credentials need get and create on persistentvolumeclaims") {
			t.Errorf("%s without create: %v", what, err)
		}
	}
	w.set("nobody", "")
	if seen, err := submit(); err != nil || seen.Action != "unknown" || !strings.Contains(events.String(), "it is unknown whether the volume claim exists") {
		t.Errorf("without get: %+v, %v", seen, err)
	}
	w.set("", "")

	// One who may read claims, and neither classes nor events, is not made to wait for a pod.
	write("{claim: later, create: {size: 1Gi, access: ReadWriteOnce, class: standard}}")
	w.set("ci", "")
	if seen, err := submit(); err != nil || seen.Status != "Pending" || slept > 0 || !strings.Contains(events.String(), "it is unknown whether the volume claim will be bound") {
		t.Errorf("without classes and events: %+v, %v, slept %d times\n%s", seen, err, slept, events)
	}
	w.set("", "")

	// Without jobs, the claim is created for the pods of others.
	write("{claim: alone, create: {size: 1Gi, access: ReadWriteOnce, class: standard}}")
	must(nil, os.WriteFile("slipway.yaml", []byte("project: story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: polyaxon-v1}\n"+
		"volume: {claim: alone, create: {size: 1Gi, access: ReadWriteOnce, class: standard}}\n"), 0o600))
	if seen, changes, err := plan(); err != nil || seen.Action != "create" || changes != 1 {
		t.Errorf("a plan without jobs: %+v, %d changes, %v", seen, changes, err)
	}
	deployed, err := Deploy(ctx, env, DeployOptions{})
	if err != nil || len(deployed.Volumes) != 1 || deployed.Volumes[0].Action != "create" || deployed.Volumes[0].Status != "Pending" {
		t.Errorf("a deploy without jobs: %+v, %v", deployed, err)
	}
	must(claims.Get(ctx, "alone", metav1.GetOptions{}))

	// A request about the claim that is not answered is given up, and deploy decides.
	write("{claim: slow, create: {size: 1Gi, access: ReadWriteOnce, class: filestore}}")
	w.set("", "persistentvolumeclaims")
	begun := time.Now()
	if seen, _, err := plan(); err != nil || seen.Action != "unknown" || time.Since(begun) > 6*time.Second {
		t.Errorf("a slow answer: %+v, %v, after %s", seen, err, time.Since(begun))
	}
	w.set("", "")

	if _, err := claims.Get(ctx, "other", metav1.GetOptions{}); err == nil {
		t.Error("the claim was created by a user who may not")
	}
}
