package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// operator plays the role of Polyaxon's operator: for a resource of the agent it makes a Job, or a
// Deployment and a Service, and reports to Polyaxon's server how the pods are. It also plays the
// containers that Polyaxon puts beside the main one: what they collect is where the server looks
// for it.
type operator struct {
	clients    kubernetes.Interface
	resources  dynamic.Interface
	host, data string
	seen       map[string]*operated
}

// operated is a resource that has its objects.
type operated struct {
	project, uuid string
	// since is when its Job was made. The operator reports it with all later conditions.
	since  time.Time
	status string
}

// resource is one of the agent's, as Polyaxon 2.18 writes it.
type resource struct {
	metav1.ObjectMeta `json:"metadata"`
	BatchJobSpec      *struct{ Template corev1.PodTemplateSpec }
	ServiceSpec       *struct {
		Template corev1.PodTemplateSpec
		Ports    []int32
		Replicas *int32
	}
}

func resources(plural string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "polyaxon.com", Version: "v1", Resource: plural}
}

// define creates the definitions of the agent's resources.
func (o *operator) define(t testing.TB) {
	t.Helper()
	definitions := o.resources.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for plural, kind := range map[string]string{"jobs": "Job", "services": "Service"} {
		_, err := definitions.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": plural + ".polyaxon.com"},
			"spec": map[string]any{
				"group": "polyaxon.com", "scope": "Namespaced", "names": map[string]any{"plural": plural, "kind": kind},
				"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true,
					"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}},
			},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run works until the test ends.
func (o *operator) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := o.reconcile(ctx); err != nil && ctx.Err() == nil {
				t.Logf("operator: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// reconcile makes what is missing, and reports what has changed.
func (o *operator) reconcile(ctx context.Context) error {
	for _, plural := range []string{"jobs", "services"} {
		all, err := o.resources.Resource(resources(plural)).Namespace(PolyaxonNamespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range all.Items {
			item := &all.Items[i]
			key := item.GetName()
			if o.seen[key] == nil {
				text, err := item.MarshalJSON()
				if err != nil {
					return err
				}
				if err := o.make(ctx, text); err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
			}
		}
	}
	pods, err := o.clients.CoreV1().Pods(PolyaxonNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range pods.Items {
		p := &pods.Items[i]
		if r := o.seen["plx-operation-"+p.Labels["app.kubernetes.io/instance"]]; r != nil {
			if err := o.report(ctx, r, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// make makes the objects of a resource.
func (o *operator) make(ctx context.Context, text []byte) error {
	var r resource
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	uuid := strings.TrimPrefix(r.Name, "plx-operation-")
	if err := os.MkdirAll(filepath.Join(o.data, uuid, "outputs"), 0o755); err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Name: r.Name, Labels: r.Labels, OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "polyaxon.com/v1", Kind: "Job", Name: r.Name, UID: r.UID}}}
	var err error
	if j := r.BatchJobSpec; j != nil {
		zero := int32(0)
		_, err = o.clients.BatchV1().Jobs(PolyaxonNamespace).Create(ctx, &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{
			BackoffLimit: &zero, Template: o.template(j.Template, corev1.RestartPolicyNever)}}, metav1.CreateOptions{})
	} else if s := r.ServiceSpec; s != nil {
		meta.OwnerReferences[0].Kind = "Service"
		selector := map[string]string{"app.kubernetes.io/instance": uuid}
		_, err = o.clients.AppsV1().Deployments(PolyaxonNamespace).Create(ctx, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
			Replicas: s.Replicas, Selector: &metav1.LabelSelector{MatchLabels: selector}, Template: o.template(s.Template, corev1.RestartPolicyAlways)}}, metav1.CreateOptions{})
		if err == nil {
			var ports []corev1.ServicePort
			for _, port := range s.Ports {
				ports = append(ports, corev1.ServicePort{Name: fmt.Sprint("p", port), Port: port})
			}
			_, err = o.clients.CoreV1().Services(PolyaxonNamespace).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: selector, Ports: ports}}, metav1.CreateOptions{})
		}
	}
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	made := &operated{project: r.Annotations["operation.polyaxon.com/project"], uuid: uuid, since: time.Now().UTC()}
	o.seen[r.Name] = made
	return o.post(ctx, made, "starting", "")
}

// template returns the pod of the main container. What it leaves is written where Polyaxon's
// sidecar would copy it.
func (o *operator) template(t corev1.PodTemplateSpec, restart corev1.RestartPolicy) corev1.PodTemplateSpec {
	spec := &t.Spec
	spec.InitContainers, spec.RestartPolicy = nil, restart
	spec.Containers = slices.DeleteFunc(spec.Containers, func(c corev1.Container) bool { return c.Name != mainContainer })
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.Name == "artifacts-context" {
			v.VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: o.data}}
		}
	}
	return t
}

// report reports the status of a run to the server when its pod has another.
func (o *operator) report(ctx context.Context, r *operated, p *corev1.Pod) error {
	for _, c := range p.Status.ContainerStatuses {
		switch end := c.State.Terminated; {
		case c.State.Running != nil && r.status == "starting":
			return o.post(ctx, r, "running", "")
		case end != nil && p.Spec.RestartPolicy == corev1.RestartPolicyNever && r.status != "succeeded" && r.status != "failed":
			if err := o.archive(ctx, r, p); err != nil {
				return err
			}
			if end.ExitCode != 0 {
				return o.post(ctx, r, "failed", fmt.Sprintf("container %s terminated with exit code %d", c.Name, end.ExitCode))
			}
			return o.post(ctx, r, "succeeded", "")
		}
	}
	return nil
}

// archive writes a pod's log where the server reads it.
func (o *operator) archive(ctx context.Context, r *operated, p *corev1.Pod) error {
	text, err := o.clients.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &corev1.PodLogOptions{Container: mainContainer, Timestamps: true}).DoRaw(ctx)
	if err != nil {
		return err
	}
	var lines []podLine
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		stamp, value, _ := strings.Cut(line, " ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			lines = append(lines, podLine{at, value})
		}
	}
	return archive(o.data, r.uuid, "node", p.Name, lines)
}

// post reports a condition of a run.
func (o *operator) post(ctx context.Context, r *operated, status, message string) error {
	code, err := newCondition(status, "Operator", message, time.Now().UTC(), r.since).post(ctx, o.host, r.project, r.uuid)
	if err == nil && code != http.StatusCreated {
		err = errors.New(http.StatusText(code))
	}
	if err != nil {
		return fmt.Errorf("post status %s of run %s: %w", status, r.uuid, err)
	}
	r.status = status
	return nil
}
