package tasks

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/cluster/clustertest"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
)

// dashboards forwards ports to Polyaxon's gateway, to the same as a Service, and to the
// service api, at once. The gateway's pod is replaced meanwhile. An interrupt leaves nothing.
func dashboards(ctx context.Context, t *testing.T, env *Env, events *eventLog, clients kubernetes.Interface) {
	t.Helper()
	const gateway = "polyaxon-polyaxon-gateway"
	before, local := forwarders(), freePort(t)
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	var result *Result
	ended := make(chan error, 1)
	go func() {
		var err error
		result, err = Dashboard(ctx, env, DashboardOptions{Names: []string{"polyaxon", "svc/" + gateway, "api"}, Port: local})
		ended <- err
	}()
	await := func(text string) {
		t.Helper()
		for !strings.Contains(events.String(), text) {
			select {
			case err := <-ended:
				t.Fatalf("it has ended: %v\n%s", err, events)
			case <-ctx.Done():
				t.Fatalf("it never says %q:\n%s", text, events)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	await("ports are forwarded until")
	addresses := regexp.MustCompile(`done dashboard \S+: (\S+)`).FindAllStringSubmatch(events.String(), -1)
	if len(addresses) != 3 || addresses[0][1] != "http://localhost:"+strconv.Itoa(local) || !strings.Contains(events.String(), "polyaxon config set --host="+addresses[0][1]) {
		t.Fatalf("the addresses are %q:\n%s", addresses, events)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	ask := func(address string, want int) {
		t.Helper()
		response, err := client.Get(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			return
		}
		defer response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s answers %s", address, response.Status)
		}
	}
	for _, address := range addresses[:2] {
		ask(address[1]+"/api/v1/installation", http.StatusOK)
	}
	ask(addresses[2][1], http.StatusOK)
	for _, header := range []string{"Host: evil.example", "Host: localhost\r\nOrigin: http://evil.example"} { // a page in the browser
		connection, err := net.Dial("tcp", "localhost:"+strconv.Itoa(local))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(connection, "GET /api/v1/installation HTTP/1.1\r\n"+header+"\r\n\r\n")
		if response, err := http.ReadResponse(bufio.NewReader(connection), nil); err != nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v", header, response, err)
		}
		_ = connection.Close()
	}
	if _, err := Dashboard(ctx, env, DashboardOptions{Port: local}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "choose another one with --port") {
		t.Errorf("a port that is taken: %v", err)
	}

	now, pods := int64(0), clients.CoreV1().Pods(sandboxtest.Namespace)
	made, err := pods.Get(ctx, gateway+"-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(ctx, made.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	await("warning dashboard polyaxon: polyaxon: service " + gateway + " has no ready pod (0 in total); trying again")
	clustertest.RunPod(t, clients.CoreV1().Pods(sandboxtest.Namespace), pod(gateway+"-1", made.Labels))
	for _, address := range addresses[:2] {
		ask(address[1]+"/api/v1/installation", http.StatusOK)
	}
	await("polyaxon: connected to pod " + gateway + "-1")
	await("svc/" + gateway + ": connected to pod " + gateway + "-1")

	interrupt()
	if err := <-ended; err != nil || len(result.Dashboards) != 3 || !result.Dashboards[0].Forwarded || result.Dashboards[0].Service != gateway {
		t.Errorf("an interrupt: %v, %+v", err, result)
	}
	for _, d := range result.Dashboards {
		_, rest, _ := strings.Cut(d.Address, "://")
		host, _, _ := strings.Cut(rest, "/")
		if connection, err := net.Dial("tcp", host); err == nil {
			_ = connection.Close()
			t.Errorf("%s still listens", host)
		}
	}
	for n := 0; forwarders() > before; n++ {
		if n == 500 {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// forwarders returns the number of goroutines that forward connections. The client of
// Polyaxon keeps an idle one for a minute, as with every command, which does not count.
func forwarders() int {
	stacks := make([]byte, 4<<20)
	count := 0
	for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		for _, part := range []string{"/internal/relay.", "/internal/dashboard.", "/internal/cluster.(*Route)", "/internal/cluster.(*pool)", "/internal/gate."} {
			if strings.Contains(stack, part) {
				count++
				break
			}
		}
	}
	return count
}

// TestDashboardWithoutCluster checks what is refused without a request.
func TestDashboardWithoutCluster(t *testing.T) {
	env, _, _ := serving(t, "polyaxon: {host: 'https://polyaxon.example.com'}", unreachable)
	for _, c := range []struct{ name, want string }{
		{"apo", "apo not found (did you mean api?)"},
		{"svc/a/b", "svc/a/b is not valid"},
		{"svc/a:", "svc/a: is not valid"},
	} {
		if _, err := Dashboard(t.Context(), env, DashboardOptions{Names: []string{c.name}, Port: freePort(t)}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	interrupted := new(InterruptedError)
	if _, err := Dashboard(ctx, env, DashboardOptions{Names: []string{"svc/a"}, Port: freePort(t)}); !errors.As(err, &interrupted) {
		t.Errorf("interrupted before it has begun: %v", err)
	}
}
