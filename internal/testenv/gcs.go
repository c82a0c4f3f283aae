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
func CloudStorage(t testing.TB) string { return cloudStorage(t, "-backend=memory") }

// CloudStorageOnDisk is CloudStorage with its buckets on disk. It is faster with thousands of objects, and needs
// little memory.
func CloudStorageOnDisk(t testing.TB) string {
	return cloudStorage(t, "-backend=filesystem", "-filesystem-root="+t.TempDir())
}

func cloudStorage(t testing.TB, backend ...string) string {
	t.Helper()
	binary := component(t, "fake-gcs-server (Cloud Storage)", "fake-gcs-server")
	port := freePorts(t, 1)[0]
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	_, log := launch(t, t.TempDir(), "fake-gcs-server", os.Environ(), binary, append(backend,
		"-scheme=http", "-host=127.0.0.1", "-port="+strconv.Itoa(port), "-public-host="+address[len("http://"):], "-external-url="+address)...)
	await(t, log, 30*time.Second, http.DefaultClient, address+"/storage/v1/b", []byte("storage#buckets"))
	return address
}
