package testenv

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Kubernetes starts etcd and kube-apiserver, and returns an administrator's access. Both
// are stopped when the test ends.
func Kubernetes(t testing.TB) *rest.Config {
	t.Helper()
	access, _ := RestartableKubernetes(t)
	return access
}

// RestartableKubernetes is like Kubernetes. It also returns a function that kills kube-apiserver
// and starts it again at the same address. The function returns when it is ready. It can be called
// from several goroutines.
func RestartableKubernetes(t testing.TB) (access *rest.Config, restart func()) {
	t.Helper()
	binary := component(t, "kubetest (Kubernetes)", "kubetest")
	dir := shortDir(t)
	ports := freePorts(t, 3)
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	server := fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	pki := filepath.Join(dir, "pki")
	if out, err := exec.Command(binary, "pki", "-dir", pki, "-server", server, "-ips", "127.0.0.1,10.96.0.1").CombinedOutput(); err != nil {
		t.Fatalf("make certificates: %v\n%s", err, out)
	}
	start(t, dir, "etcd", nil, binary, "etcd", "-data-dir", filepath.Join(dir, "etcd"), "-client", etcd, "-peer", fmt.Sprintf("http://127.0.0.1:%d", ports[1]))
	access, err := clientcmd.BuildConfigFromFlags("", filepath.Join(pki, "admin.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(access)
	if err != nil {
		t.Fatal(err)
	}
	run := func() *exec.Cmd {
		command, log := launch(t, dir, "kube-apiserver", nil, binary, append([]string{"kube-apiserver", "--etcd-servers=" + etcd, "--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]), "--authorization-mode=RBAC", "--endpoint-reconciler-type=none"},
			serverFlags(pki)...)...)
		await(t, log, 60*time.Second, client, server+"/readyz", nil)
		return command
	}
	running := run()
	var one sync.Mutex
	return access, func() {
		one.Lock()
		defer one.Unlock()
		kill(running)
		running = run()
	}
}

// serverFlags returns the flags that all API servers share. pki is the directory of the
// certificates.
func serverFlags(pki string) []string {
	file := func(name string) string { return filepath.Join(pki, name) }
	return []string{
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"), "--cert-dir=" + pki,
		"--client-ca-file=" + file("ca.crt"), "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + file("sa.key"),
		"--service-account-signing-key-file=" + file("sa.key"), "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true", "--profiling=false",
	}
}
