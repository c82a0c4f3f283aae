package testenv

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

// CloudStorage starts fake-gcs-server, with no buckets and in memory, and returns its address. It
// is stopped when the test ends.
func CloudStorage(t testing.TB) string {
	t.Helper()
	binary := component(t, "fake-gcs-server (Cloud Storage)", "fake-gcs-server")
	port := freePorts(t, 1)[0]
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	_, log := launch(t, t.TempDir(), "fake-gcs-server", os.Environ(), binary, "-backend=memory", "-scheme=http", "-host=127.0.0.1", "-port="+strconv.Itoa(port),
		"-public-host="+address[len("http://"):], "-external-url="+address)
	await(t, log, 30*time.Second, http.DefaultClient, address+"/storage/v1/b", []byte("storage#buckets"))
	return address
}
