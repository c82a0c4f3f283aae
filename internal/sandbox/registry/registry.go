// Package registry is the sandbox's OCI registry. It is go-containerregistry's registry
// with blobs and manifests on disk, so that they survive restarts.
package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// maxManifest is the limit of a manifest in bytes. The OCI distribution specification
// requires registries to accept at least 4 MiB.
const maxManifest = 4 << 20

// New returns a registry whose state is in dir. It ignores what a killed process left
// incomplete.
func New(dir string, output io.Writer) (http.Handler, error) {
	blobs, err := openBlobs(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, fmt.Errorf("open the sandbox's registry: %w", err)
	}
	s := &server{dir: filepath.Join(dir, "manifests"), next: &uploads{blobs: blobs, busy: map[string]bool{}, next: registry.New(
		registry.WithBlobHandler(blobs),
		registry.WithReferrersSupport(true),
		registry.Logger(log.New(output, "registry: ", 0)),
	)}}
	if err := s.replay(); err != nil {
		return nil, fmt.Errorf("open the sandbox's registry: %w", err)
	}
	return s, nil
}

type server struct {
	dir  string
	next http.Handler
	// mu keeps a manifest's file and the registry's memory of it consistent.
	mu sync.Mutex
}

// storedManifest is a manifest as it is stored in its file.
type storedManifest struct {
	Path        string `json:"path"` // of the request that put it
	ContentType string `json:"content_type"`
	Body        string `json:"body"` // base64, because a digest covers every byte
}

// ServeHTTP serves the OCI distribution protocol.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.URL.Path, "/manifests/") || r.Method != http.MethodPut && r.Method != http.MethodDelete {
		s.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxManifest))
	if err != nil {
		http.Error(w, "the manifest is larger than 4 MiB or truncated", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := httptest.NewRecorder()
	s.next.ServeHTTP(answer, r)
	if answer.Code/100 == 2 {
		if err := s.store(r, body); err != nil {
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
			return
		}
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (s *server) store(r *http.Request, body []byte) error {
	path := filepath.Join(s.dir, url.PathEscape(r.URL.Path)+".json")
	if r.Method == http.MethodDelete {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(storedManifest{Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Body: base64.StdEncoding.EncodeToString(body)})
	if err != nil {
		return err
	}
	return disk.Write(path, text, 0o600)
}

// replay puts the manifests from disk into the registry, images before the indexes that
// refer to them.
func (s *server) replay() error {
	files, err := disk.Files(s.dir, "*.json")
	if err != nil {
		return err
	}
	var manifests []storedManifest
	for _, file := range files {
		var k storedManifest
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if json.Unmarshal(text, &k) == nil {
			manifests = append(manifests, k)
		}
	}
	sort.SliceStable(manifests, func(i, j int) bool { return !index(manifests[i]) && index(manifests[j]) })
	for _, k := range manifests {
		body, err := base64.StdEncoding.DecodeString(k.Body)
		if err != nil {
			continue
		}
		request := httptest.NewRequest(http.MethodPut, (&url.URL{Path: k.Path}).String(), bytes.NewReader(body))
		request.Header.Set("Content-Type", k.ContentType)
		s.next.ServeHTTP(httptest.NewRecorder(), request)
	}
	return nil
}

func index(k storedManifest) bool {
	return strings.Contains(k.ContentType, "index") || strings.Contains(k.ContentType, "list")
}
