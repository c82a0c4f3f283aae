package cluster

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	clientcmd "k8s.io/client-go/tools/clientcmd/api"
)

// TestPluginFailsOnce sends many requests at a time with a program that gets credentials. It is run
// once for all of them, and again by the next command.
func TestPluginFailsOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a script of sh")
	}
	var bearers sync.Map
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bearers.Store(r.Header.Get("Authorization"), true)
		http.NotFound(w, r)
	}))
	defer server.Close()
	log := filepath.Join(t.TempDir(), "log")
	ask := func(end string) (errs []error) {
		to, err := Connect(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, ExecProvider: &clientcmd.ExecConfig{
			Command: "sh", Args: []string{"-c", "echo run >> '" + log + "'; " + end}, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmd.NeverExecInteractiveMode,
		}}, "ns", "ml")
		if err != nil {
			t.Fatal(err)
		}
		errs = make([]error, 8)
		var group sync.WaitGroup
		for i := range errs {
			group.Go(func() { _, errs[i] = to.Version(t.Context()) })
		}
		group.Wait()
		objects, err := to.Objects()
		if err != nil {
			t.Fatal(err)
		}
		_, err = objects.HasStatus(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Pod"})
		return append(errs, err)
	}
	runs := func() int {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "run")
	}
	for _, err := range ask("exit 3") {
		if err == nil || !strings.Contains(err.Error(), "executable sh failed with exit code 3") {
			t.Errorf("a request says %v", err)
		}
	}
	if n := runs(); n != 1 {
		t.Errorf("a program that fails is run %d times", n)
	}
	for _, err := range ask(`echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"abc"}}'`) {
		if err == nil || ofPlugin(err) {
			t.Errorf("with credentials, a request says %v", err)
		}
	}
	if _, sent := bearers.Load("Bearer abc"); !sent || runs() != 2 {
		t.Errorf("after %d runs: the token was sent: %v", runs(), sent)
	}
}
