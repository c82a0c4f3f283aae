package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// TestBreaksOften breaks each connection of an upload after a part has arrived, more often than a request
// without progress is tried again. All of it arrives, and is reported once.
func TestBreaksOften(t *testing.T) {
	const part = 128 << 10
	content := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB, so 16 parts
	var mu sync.Mutex
	var got []byte
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost:
			w.Header().Set("Location", "http://"+r.Host+"/session")
		case strings.HasPrefix(r.Header.Get("Content-Range"), "bytes */"):
			if len(got) > 0 {
				w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(got)-1))
			}
			w.WriteHeader(http.StatusPermanentRedirect)
		default:
			if want := fmt.Sprintf("bytes %d-%d/%d", len(got), len(content)-1, len(content)); r.Header.Get("Content-Range") != want {
				t.Errorf("Content-Range %q, want %q", r.Header.Get("Content-Range"), want)
			}
			more, _ := io.ReadAll(io.LimitReader(r.Body, part))
			if got = append(got, more...); len(got) < len(content) {
				panic(http.ErrAbortHandler)
			}
			_, _ = fmt.Fprintf(w, `{"name": "x", "generation": "1", "size": "%d", "crc32c": "%s"}`, len(got), checksumOf(content))
		}
	})
	sum, sent := storage.NewCRC32C(), int64(0)
	_, _ = io.WriteString(sum, content)
	_, err := s.Upload(t.Context(), storage.Upload{
		Bucket: "data", Name: "x", Content: strings.NewReader(content), Size: int64(len(content)), CRC32C: sum.Sum32(), Sent: func(n int64) { sent += n },
	})
	mu.Lock()
	defer mu.Unlock()
	if err != nil || string(got) != content || sent != int64(len(content)) {
		t.Errorf("%v, %d bytes arrived, %d were reported", err, len(got), sent)
	}
}

// TestStall lets a server fall silent: before it answers, in the middle of a content that it sends, and while
// content is sent to it. Each operation ends after a limited time with the limit as its error, and succeeds if
// the server falls silent only once.
func TestStall(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	const content = "0123456789"
	big := strings.Repeat("x", storage.MaxSingle+1)
	object := &storage.Object{Bucket: "data", Name: "x", Generation: 1, Size: int64(len(content))}
	upload := func(text string) func(context.Context, *storage.Client) error {
		return func(ctx context.Context, c *storage.Client) error {
			sum := storage.NewCRC32C()
			_, _ = io.WriteString(sum, text)
			_, err := c.Upload(ctx, storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader(text), Size: int64(len(text)), CRC32C: sum.Sum32()})
			return err
		}
	}
	for name, do := range map[string]func(context.Context, *storage.Client) error{
		"upload":           upload(content),
		"resumable upload": upload(big),
		"download": func(ctx context.Context, c *storage.Client) error {
			var got strings.Builder
			err := c.Download(ctx, object, 0, &got)
			if err == nil && got.String() != content {
				err = fmt.Errorf("received %q", got.String())
			}
			return err
		},
		"list": func(ctx context.Context, c *storage.Client) (err error) {
			for _, err = range c.List(ctx, "data", "", "") {
			}
			return err
		},
		"delete": func(ctx context.Context, c *storage.Client) error { return c.Delete(ctx, object) },
		"copy": func(ctx context.Context, c *storage.Client) error {
			_, err := c.Copy(ctx, object, "data", "y", 0)
			return err
		},
		"create bucket":  func(ctx context.Context, c *storage.Client) error { return c.CreateBucket(ctx, "data", "") },
		"abandon upload": func(ctx context.Context, c *storage.Client) error { return c.Abandon(ctx, c.Address+"/session") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var healthy atomic.Bool
			var requests atomic.Int64
			ended := make(chan struct{})
			s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				offset, silent := 0, requests.Add(1) == 1 || !healthy.Load()
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &offset); err == nil {
					w.WriteHeader(http.StatusPartialContent)
				}
				media := r.URL.Query().Get("alt") == "media"
				switch {
				case silent && media && offset == 0: // later attempts make no progress
					_, _ = io.WriteString(w, content[:4])
					w.(http.Flusher).Flush()
					fallthrough
				case silent && r.Header.Get("Content-Range") == "":
					<-ended
					return
				}
				body, _ := io.ReadAll(r.Body)
				switch {
				case media:
					_, _ = io.WriteString(w, content[offset:])
				case strings.HasPrefix(r.URL.Path, "/upload") && r.URL.Query().Get("uploadType") == "resumable":
					w.Header().Set("Location", "http://"+r.Host+"/session")
				case strings.HasPrefix(r.Header.Get("Content-Range"), "bytes */"):
					w.WriteHeader(http.StatusPermanentRedirect)
				case r.Method == http.MethodPut:
					_, _ = fmt.Fprintf(w, `{"size": "%d", "crc32c": "%s"}`, len(body), checksumOf(string(body)))
				case r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/rewriteTo/"):
					_, _ = io.WriteString(w, `{"done": true, "resource": {"name": "y"}}`)
				default:
					_, _ = fmt.Fprintf(w, `{"size": "%d", "crc32c": "%s"}`, len(content), checksumOf(content))
				}
			})
			t.Cleanup(func() { close(ended) })
			s.Transport = timeouts.Transport(http.DefaultTransport, timeouts.Limits{Response: limit, Chunk: limit, Pace: 16 << 10})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			silent := new(timeouts.Error)
			if err := do(ctx, s.Client); !errors.As(err, &silent) || requests.Load() > 7 {
				t.Errorf("a silent server: %v after %d requests", err, requests.Load())
			}
			requests.Store(0)
			healthy.Store(true)
			if err := do(ctx, s.Client); err != nil || requests.Load() < 2 {
				t.Errorf("silent once: %v after %d requests", err, requests.Load())
			}
		})
	}
}

// TestStallInUpload lets a server accept an upload and read nothing of its content.
func TestStallInUpload(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 16<<20) // more than the buffers of a connection have
	ended := make(chan struct{})
	s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			w.Header().Set("Location", "http://"+r.Host+"/session")
		case r.ContentLength == 0:
			w.WriteHeader(http.StatusPermanentRedirect)
		default:
			<-ended
		}
	})
	t.Cleanup(func() { close(ended) })
	const limit = 50 * time.Millisecond
	s.Transport = timeouts.Transport(http.DefaultTransport, timeouts.Limits{Response: time.Second, Chunk: limit, Pace: 16 << 10})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := s.Upload(ctx, storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader(big), Size: int64(len(big))})
	if silent := new(timeouts.Error); !errors.As(err, &silent) || silent.Limit != limit {
		t.Errorf("it returned %v", err)
	}
}
