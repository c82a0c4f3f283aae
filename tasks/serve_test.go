package tasks

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// servingModels is a project on a real API server and a server of Polyaxon, whose job train makes models for
// the Deployment api. serve is the entry of slipway.yaml, and what follows it, and image the image.
func servingModels(t *testing.T, registry, image, serve string) (*vault, kubernetes.Interface) {
	t.Helper()
	access := testenv.Kubernetes(t)
	clients := clientsOf(t, access)
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandboxtest.Namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	v := vaultOn(t, access)
	v.values["REPLICAS"], v.values["VAL_ACC"] = "1", "0.9"
	v.write("slipway.yaml", fmt.Sprintf(`project: story
registry: %s/story
cluster: {kubeconfig: {path: kubeconfig}, namespace: %s}
polyaxon: {host: '%s'}
images: {api: %s}
jobs:
  train: {polyaxonfile: train.yml, credentials: false, params: {VAL_ACC: "${VAL_ACC}"}, require: {val_acc: ">= 0.9"}}
manifests: [k8s]
serve:
  api: %s
`, registry, sandboxtest.Namespace, sandboxtest.Polyaxon(t, "2.18", buildJob(t)), image, serve))
	v.write("train.yml", fmt.Sprintf(`version: 1.1
kind: component
inputs: [{name: VAL_ACC, type: str}]
run:
  kind: job
  container: {image: none, command: [%q, 'print=slipway-metrics {"val_acc": {{ VAL_ACC }}}']}
`, sandboxtest.Program))
	v.write("page.html", "hello")
	if err := os.Mkdir(filepath.Join(v.dir, "k8s"), 0o700); err != nil {
		t.Fatal(err)
	}
	v.write("k8s/api.yaml", serverManifest)
	return v, clients
}

// TestServeManifests serves models by a Deployment on a real API server.
func TestServeManifests(t *testing.T) {
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	v, clients := servingModels(t, strings.TrimPrefix(images.URL, "http://"), "{files: [page.html]}", "{model: train, image: api, path: /models/}")

	// container returns the variables of the server, and how often it was rolled out.
	container := func() (map[string]string, int64) {
		t.Helper()
		d, err := clients.AppsV1().Deployments(sandboxtest.Namespace).Get(t.Context(), "api", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]string{}
		for _, e := range d.Spec.Template.Spec.Containers[0].Env {
			have[e.Name] = e.Value
		}
		return have, d.Generation
	}
	expect := func(result *Result, err error, action, run string, generation int64) {
		t.Helper()
		if err != nil || len(result.Served) != 1 {
			t.Fatalf("served %+v, %v", result.Served, err)
		}
		have, at := container()
		if diff := cmp.Diff(map[string]string{"MODEL_RUN": run, "MODEL_PATH": "/models/" + run}, have); diff != "" || at != generation {
			t.Errorf("generation %d (-want +got)\n%s", at, diff)
		}
		s := result.Served[0]
		if string(s.Action) != action || s.Run != run || s.Model != "train" || !cmp.Equal(s.By, []string{"Deployment api"}) || len(s.Metrics) != 1 {
			t.Errorf("served %+v, want %s of run %s", s, action, run)
		}
	}

	plan, err := Plan(t.Context(), v.env, PlanOptions{})
	if err != nil || len(plan.Served) != 1 || plan.Served[0].Action != "create" || plan.Served[0].Run != "" || !strings.Contains(plan.Manifests[0].Diff, "value: (the run that train makes)") {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "slipway.yaml:10:16: there is no model to serve") {
		t.Errorf("apply without a model: %v", err)
	}
	first, err := Deploy(t.Context(), v.env, DeployOptions{})
	expect(first, err, "create", first.Jobs[0].UUID, 1)
	again, err := Deploy(t.Context(), v.env, DeployOptions{})
	expect(again, err, "unchanged", first.Jobs[0].UUID, 1)

	v.values["VAL_ACC"] = "0.95"
	better, err := Deploy(t.Context(), v.env, DeployOptions{})
	expect(better, err, "update", better.Jobs[0].UUID, 2)
	if better.Jobs[0].UUID == first.Jobs[0].UUID {
		t.Error("the better model is of the same run")
	}

	v.values["VAL_ACC"] = "0.5"
	if worse, err := Deploy(t.Context(), v.env, DeployOptions{}); ExitCode(err) != ExitGate || len(worse.Served)+len(worse.Manifests) > 0 {
		t.Errorf("a worse model: %+v, %v", worse.Served, err)
	}
	if worse, err := Plan(t.Context(), v.env, PlanOptions{}); ExitCode(err) != ExitGate || worse.Changes != 0 || len(worse.Manifests) != 1 || worse.Manifests[0].Action != "unchanged" || worse.Manifests[0].Reason == "" || worse.Served[0].Action != "unchanged" {
		t.Errorf("the plan of a worse model: %+v, %+v, %v", worse.Manifests, worse.Served, err)
	}
	applied, err := Apply(t.Context(), v.env, ApplyOptions{})
	expect(applied, err, "unchanged", better.Jobs[0].UUID, 2)

	// The former model again: its run is up to date.
	v.values["VAL_ACC"] = "0.9"
	former, err := Deploy(t.Context(), v.env, DeployOptions{})
	expect(former, err, "update", first.Jobs[0].UUID, 3)

	// No controller rolls out a better one here, so it is rolled back, and the former one is served on.
	v.values["VAL_ACC"] = "0.97"
	back, err := Deploy(t.Context(), v.env, DeployOptions{RolloutTimeout: time.Millisecond, Rollback: true})
	if ExitCode(err) != ExitFailed || len(back.Served) != 1 || back.Served[0].Action != report.ActionRolledBack || back.Served[0].Run != back.Jobs[0].UUID {
		t.Errorf("rolled back: %+v, %v", back.Served, err)
	}
	if have, _ := container(); have["MODEL_RUN"] != first.Jobs[0].UUID {
		t.Errorf("after the rollback it serves %s", have["MODEL_RUN"])
	}
}

// TestServeBuildArgument builds an image for each model, with the run as a build argument. Manifests and a service
// roll it out.
func TestServeBuildArgument(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("CI starts BuildKit for it; TestServeManifests rolls out models by variables")
	}
	builder, host := testenv.BuildKit(t), testenv.Registry(t)
	v, clients := servingModels(t, host, "{dockerfile: Dockerfile}", "{model: train, image: api, build-arg: MODEL_RUN, service: page}\nservices:\n  page: {polyaxonfile: page.yml, image: api, credentials: false}")
	listen := func() {
		port := freePort(t)
		v.write("page.yml", fmt.Sprintf("version: 1.1\nkind: component\ninputs: [{name: DOCKER_IMAGE, type: str}, {name: MODEL_RUN, type: str}]\n"+
			"run:\n  kind: service\n  ports: [%d]\n  rewritePath: true\n  container: {image: '{{ DOCKER_IMAGE }}', command: [%q, serve=%d]}\n", port, sandboxtest.Program, port))
	}
	listen()
	v.env.Environ = append(os.Environ(), "BUILDKIT_HOST="+builder)
	v.write("Dockerfile", "FROM scratch\nARG MODEL_RUN\nENV BUILT_FOR=$MODEL_RUN\nCOPY page.html /\n")

	// builtFor returns for which run the image of the Deployment was built.
	builtFor := func() string {
		t.Helper()
		d, err := clients.AppsV1().Deployments(sandboxtest.Namespace).Get(t.Context(), "api", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		reference, err := name.ParseReference(d.Spec.Template.Spec.Containers[0].Image, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(reference)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		for _, variable := range config.Config.Env {
			if run, found := strings.CutPrefix(variable, "BUILT_FOR="); found {
				return run
			}
		}
		return ""
	}

	// expect checks that both serve the run of train, from the image that was built for it.
	expect := func(result *Result, action report.Action) {
		t.Helper()
		s := result.Served[0]
		if s.Action != action || s.Run != result.Jobs[0].UUID || builtFor() != s.Run || !cmp.Equal(s.By, []string{"Deployment api", "service page"}) {
			t.Errorf("built for %s, served %+v; want %s", builtFor(), s, action)
		}
		service, err := Status(t.Context(), v.env, StatusOptions{Run: s.ServiceRun})
		if err != nil {
			t.Fatal(err)
		}
		now := service.Runs[0]
		if now.Status != "running" || now.Inputs["MODEL_RUN"] != s.Run || now.Inputs["DOCKER_IMAGE"] != result.Images[0].Reference {
			t.Errorf("the service is %s with %v", now.Status, now.Inputs)
		}
	}

	built, err := Build(t.Context(), v.env, BuildOptions{})
	if err != nil || len(built.Images) > 0 || !strings.Contains(v.events.String(), "image api is not built: it needs the run of job train") {
		t.Errorf("build without a model: %+v, %v\n%s", built.Images, err, v.events)
	}
	plan, err := Plan(t.Context(), v.env, PlanOptions{})
	if err != nil || len(plan.Images) != 1 || plan.Images[0].Action != "build" {
		t.Errorf("plan: %+v, %v", plan.Images, err)
	}
	first, err := Deploy(t.Context(), v.env, DeployOptions{})
	if err != nil || len(first.Images) != 1 || len(first.Served) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	expect(first, report.ActionCreate)
	again, err := Deploy(t.Context(), v.env, DeployOptions{})
	if err != nil || again.Images[0].Digest != first.Images[0].Digest {
		t.Errorf("again: %+v, %v", again.Images, err)
	}
	expect(again, report.ActionUnchanged)
	v.values["VAL_ACC"] = "0.95"
	listen() // elsewhere: processes of this machine have no addresses of their own
	better, err := Deploy(t.Context(), v.env, DeployOptions{})
	if err != nil || better.Jobs[0].UUID == first.Jobs[0].UUID {
		t.Errorf("a better model: %+v, %v", better.Jobs, err)
	}
	expect(better, report.ActionUpdate)
	if built, err := Build(t.Context(), v.env, BuildOptions{}); err != nil || len(built.Images) != 1 || built.Images[0].Digest != better.Images[0].Digest {
		t.Errorf("build: %+v, %v", built.Images, err)
	}
}
