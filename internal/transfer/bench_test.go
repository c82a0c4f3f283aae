package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// BenchmarkDataSmall syncs 10,000 small files, or DATA_FILES, to and from a bucket, with slipway and with rclone.
func BenchmarkDataSmall(b *testing.B) {
	w := newFar(b)
	for n := range size(b, "DATA_FILES", 10_000) {
		w.file(b, fmt.Sprintf("small/%02d/%05d.csv", n/500, n), 500+n%7500)
	}
	w.create(b, "there")
	w.slipway("small", "gs://there/small")(b)
	testenv.Compare(b,
		w.to("slipway, upload", func(bucket string) func(testing.TB) int64 { return w.slipway("small", "gs://"+bucket+"/x") }),
		w.to("rclone, upload", func(bucket string) func(testing.TB) int64 { return w.rclone("small", ":gcs:"+bucket+"/x") }),
		w.to("rclone --transfers 16, upload", func(bucket string) func(testing.TB) int64 {
			return w.rclone("--transfers", "16", "small", ":gcs:"+bucket+"/x")
		}),
		w.from("slipway, download", w.slipway("gs://there/small", "back")),
		w.from("rclone, download", w.rclone(":gcs:there/small", "back")),
		testenv.Contender{Name: "slipway, nothing changed", Run: w.slipway("small", "gs://there/small")},
		testenv.Contender{Name: "rclone, nothing changed", Run: w.rclone("small", ":gcs:there/small")},
	)
}

// BenchmarkDataLarge syncs one file of 2 GB, or of DATA_MB megabytes, to and from a bucket. curl only writes to a file
// what arrives: that is what the server, the line and the disk take.
func BenchmarkDataLarge(b *testing.B) {
	w := newFar(b)
	w.file(b, "large/model.bin", size(b, "DATA_MB", 2_000)*1_000_000)
	w.create(b, "there")
	w.slipway("large", "gs://there/large")(b)
	testenv.Compare(b,
		w.to("slipway, upload", func(bucket string) func(testing.TB) int64 { return w.slipway("large", "gs://"+bucket+"/x") }),
		w.to("rclone, upload", func(bucket string) func(testing.TB) int64 { return w.rclone("large", ":gcs:"+bucket+"/x") }),
		w.from("slipway, download", w.slipway("gs://there/large", "back")),
		w.from("rclone, download", w.rclone(":gcs:there/large", "back")),
		w.from("curl, download", w.command("curl", "-fsS", "--create-dirs", "-o", "back/model.bin", w.address+"/storage/v1/b/there/o/large%2Fmodel.bin?alt=media")),
	)
}

// size returns the number that an environment variable has, or another one.
func size(b *testing.B, variable string, otherwise int64) int64 {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// far is a directory with slipway.yaml, and fake-gcs-server behind a line with a delay of 20 ms.
type far struct {
	dir, address, binary, tool string
	env                        []string
	buckets                    int
}

func newFar(b *testing.B) *far {
	b.Helper()
	w := &far{dir: b.TempDir(), tool: testenv.Rclone(b), binary: filepath.Join(b.TempDir(), "slipway")}
	at, err := url.Parse(testenv.CloudStorageOnDisk(b))
	if err != nil {
		b.Fatal(err)
	}
	near := http.DefaultTransport.(*http.Transport).Clone()
	near.MaxIdleConnsPerHost, near.DisableCompression = 100, true
	line := &httputil.ReverseProxy{Transport: near, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host // so that sessions begin at this address
	}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		line.ServeHTTP(rw, r)
	}))
	b.Cleanup(server.Close)
	w.address = server.URL
	if out, err := exec.Command("go", "build", "-o", w.binary, "github.com/slipway-ci/slipway/cmd/slipway").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	cloud := googletest.New(b).Listen()
	w.env = append(os.Environ(), "HOME="+b.TempDir(), "KEY="+string(cloud.NewKey(cloud.Account("bench"))), "CLOUDSDK_AUTH_TOKEN_HOST="+cloud.Endpoints().Token,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE="+w.address, "RCLONE_CONFIG="+os.DevNull, "RCLONE_GCS_ENDPOINT="+w.address+"/storage/v1/", "RCLONE_GCS_ANONYMOUS=true")
	if err := os.WriteFile(filepath.Join(w.dir, "slipway.yaml"), []byte("project: bench\ngoogle: {credentials: env:KEY}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return w
}

// file writes a file of random bytes.
func (w *far) file(tb testing.TB, name string, size int64) {
	tb.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	random := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)})
	var file *os.File
	if err == nil {
		file, err = os.Create(path)
	}
	block := make([]byte, 1<<20)
	for err == nil && size > 0 {
		_, _ = random.Read(block)
		var n int
		n, err = file.Write(block[:min(size, int64(len(block)))])
		size -= int64(n)
	}
	if err == nil {
		err = file.Close()
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second) // as a bucket keeps it
	if err == nil {
		err = os.Chtimes(path, old, old)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// create creates a bucket.
func (w *far) create(tb testing.TB, name string) {
	tb.Helper()
	response, err := http.Post(w.address+"/storage/v1/b", "application/json", strings.NewReader(`{"name": "`+name+`"}`))
	if err != nil {
		tb.Fatal(err)
	}
	_ = response.Body.Close()
}

// to returns a contender that copies to a new bucket each time.
func (w *far) to(name string, run func(bucket string) func(testing.TB) int64) testenv.Contender {
	var bucket string
	return testenv.Contender{Name: name, Prepare: func(tb testing.TB) {
		w.buckets++
		bucket = fmt.Sprintf("bucket-%d", w.buckets)
		w.create(tb, bucket)
	}, Run: func(tb testing.TB) int64 { return run(bucket)(tb) }}
}

// from returns a contender that copies to a new directory each time.
func (w *far) from(name string, run func(testing.TB) int64) testenv.Contender {
	return testenv.Contender{Name: name, Run: run, Prepare: func(tb testing.TB) {
		if err := os.RemoveAll(filepath.Join(w.dir, "back")); err != nil {
			tb.Fatal(err)
		}
	}}
}

func (w *far) slipway(from, to string) func(testing.TB) int64 {
	return w.command(w.binary, "data", "sync", from, to)
}

func (w *far) rclone(args ...string) func(testing.TB) int64 {
	return w.command(w.tool, append([]string{"sync", "--retries", "1"}, args...)...)
}

// command returns a function that runs a command, and returns its largest resident memory.
func (w *far) command(name string, args ...string) func(testing.TB) int64 {
	return func(tb testing.TB) int64 {
		command := exec.Command(name, args...)
		command.Dir, command.Env = w.dir, w.env
		if out, err := command.CombinedOutput(); err != nil {
			tb.Fatalf("%s: %v\n%.3000s", command, err, out)
		}
		return testenv.Peak(command.ProcessState)
	}
}
