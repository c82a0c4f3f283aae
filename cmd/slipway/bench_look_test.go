package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// BenchmarkLook times cluster status and doctor with a real API server and a Polyaxon on this
// machine, in this process. TestClusterStatus and TestDoctor fail if one takes more than 2 s.
func BenchmarkLook(b *testing.B) {
	access := testenv.Kubernetes(b)
	dir := b.TempDir()
	if err := clientcmd.WriteToFile(*testenv.Kubeconfig(access), filepath.Join(dir, "kubeconfig")); err != nil {
		b.Fatal(err)
	}
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		b.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandboxtest.Namespace}}
	if _, err := clients.CoreV1().Namespaces().Create(b.Context(), namespace, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
	text := "project: bench\ncluster: {kubeconfig: {path: kubeconfig}, namespace: " + sandboxtest.Namespace + "}\n" +
		"polyaxon: {host: '" + sandboxtest.Polyaxon(b, "2.18", "") + "'}\nsecrets:\n"
	for n := range 50 {
		text += "  secret-" + strconv.Itoa(n) + ": {data: {token: env:TOKEN}}\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	env := &tasks.Env{Dir: dir, Events: silent{}, Transport: http.DefaultTransport, Now: time.Now,
		Lookup: func(name string) (string, bool) { return "a-secret-value", name == "TOKEN" }}
	contender := func(name string, look func(testing.TB) (*report.Result, error)) testenv.Contender {
		return testenv.Contender{Name: name, Run: func(tb testing.TB) int64 {
			if result, err := look(tb); err != nil {
				tb.Fatal(result, err)
			}
			return 0
		}}
	}
	testenv.Compare(b,
		contender("cluster status", func(tb testing.TB) (*report.Result, error) { return tasks.ClusterStatus(tb.Context(), env) }),
		contender("doctor", func(tb testing.TB) (*report.Result, error) {
			return tasks.Doctor(tb.Context(), env, tasks.DoctorOptions{})
		}),
	)
}
