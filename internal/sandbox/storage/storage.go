// Package storage is the sandbox's Cloud Storage: buckets on disk, with the parts of its JSON API
// that clients need to copy files. See cloud.google.com/storage/docs/json_api/v1.
//
// Each object is one file, with its metadata behind the content. A file gets its name when it is
// complete, so that an object has its old or its new content, whenever the process is killed.
package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// Server serves the buckets of a directory. It is safe for concurrent use.
type Server struct {
	dir string
	log io.Writer

	mu      sync.Mutex
	buckets map[string]*bucket
	uploads map[string]*upload
	// last is the newest generation. Generations grow, also over restarts.
	last int64
}

// bucket is a bucket and the objects in it, by name.
type bucket struct {
	Name    string    `json:"name"`
	Created time.Time `json:"timeCreated"`
	objects map[string]*object
}

// New returns a server whose buckets are in dir. It removes what a killed process left incomplete.
func New(dir string, log io.Writer) (*Server, error) {
	s := &Server{dir: dir, log: log, buckets: map[string]*bucket{}, uploads: map[string]*upload{}}
	texts, err := disk.Read(dir, "*/bucket.json")
	if err != nil {
		return nil, fmt.Errorf("open the sandbox's buckets: %w", err)
	}
	for _, text := range texts {
		b := &bucket{objects: map[string]*object{}}
		err := json.Unmarshal(text, b)
		if err == nil {
			err = s.load(b)
		}
		if err != nil {
			return nil, fmt.Errorf("open the sandbox's bucket %s: %w", b.Name, err)
		}
		s.buckets[b.Name] = b
	}
	return s, nil
}

// load reads the metadata of a bucket's objects.
func (s *Server) load(b *bucket) error {
	files, err := disk.Files(s.dir, b.Name+"/objects/*/*")
	if err != nil {
		return err
	}
	for _, file := range files {
		o, err := readObject(file)
		if err != nil {
			return err
		}
		b.objects[o.Name] = o
		s.last = max(s.last, o.Generation)
	}
	return s.clean(b)
}

// clean removes uploads that are older than maxSession, and content that belongs to no upload.
func (s *Server) clean(b *bucket) error {
	sessions, err := disk.Files(s.dir, b.Name+"/uploads/*.json")
	if err != nil {
		return err
	}
	for _, file := range sessions {
		var kept session
		texts, err := disk.Read(filepath.Dir(file), filepath.Base(file))
		if err == nil && len(texts) == 1 && json.Unmarshal(texts[0], &kept) == nil && time.Since(kept.Began) < maxSession {
			continue
		}
		if err := errors.Join(err, disk.Remove(file)); err != nil {
			return err
		}
	}
	files, err := disk.Files(s.dir, b.Name+"/uploads/*")
	if err != nil {
		return err
	}
	for _, file := range files {
		if filepath.Ext(file) != "" || slices.Contains(files, file+".json") {
			continue
		}
		if err := disk.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// Paths of the API.
const (
	apiPath    = "/storage/v1/"
	uploadPath = "/upload/storage/v1/"
)

// Serves reports whether a request is for this API.
func Serves(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, apiPath) || strings.HasPrefix(r.URL.Path, uploadPath)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		s.refuse(w, err)
	}
}

// serve responds to a request, or returns why it does not.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	rest, upload := strings.CutPrefix(r.URL.EscapedPath(), uploadPath)
	if !upload {
		rest = strings.TrimPrefix(rest, apiPath)
	}
	parts := strings.Split(rest, "/")
	for n, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return refusal(http.StatusBadRequest, "invalid", "the path is not escaped correctly")
		}
		parts[n] = text
	}
	if parts[0] != "b" {
		return refusal(http.StatusNotFound, "notFound", "Not Found")
	}
	q := r.URL.Query()
	switch route := r.Method + " " + strconv.Itoa(len(parts)); {
	case upload && len(parts) == 3:
		return s.upload(w, r, parts[1])
	case route == "POST 1":
		return s.create(w, r)
	case route == "GET 1":
		return s.listBuckets(w)
	case route == "GET 2":
		b, err := s.bucket(parts[1])
		if err != nil {
			return err
		}
		return respond(w, b.resource())
	case route == "GET 3":
		return s.list(w, parts[1], q)
	case route == "GET 4":
		return s.get(w, r, parts[1], parts[3])
	case route == "DELETE 4":
		return s.remove(w, parts[1], parts[3], q)
	case route == "POST 5" && parts[4] == "compose":
		return s.compose(w, r, parts[1], parts[3])
	case route == "POST 9" && parts[4] == "rewriteTo":
		return s.rewrite(w, r, parts[1], parts[3], parts[6], parts[8])
	}
	return refusal(http.StatusNotImplemented, "notImplemented", "the sandbox does not implement this request of Cloud Storage")
}

// bucket returns a bucket.
func (s *Server) bucket(name string) (*bucket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return nil, refusal(http.StatusNotFound, "notFound", "The specified bucket does not exist.")
	}
	return b, nil
}

// resource returns the bucket as the API shows it.
func (b *bucket) resource() map[string]any {
	return map[string]any{"kind": "storage#bucket", "id": b.Name, "name": b.Name, "timeCreated": b.Created, "location": "SANDBOX", "storageClass": "STANDARD"}
}

// create creates a bucket.
func (s *Server) create(w http.ResponseWriter, r *http.Request) error {
	var wanted struct{ Name string }
	if err := json.NewDecoder(io.LimitReader(r.Body, maxMetadata)).Decode(&wanted); err != nil {
		return refusal(http.StatusBadRequest, "parseError", "Parse Error")
	}
	if !validBucket(wanted.Name) {
		return refusal(http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid bucket name: '%s'", wanted.Name))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[wanted.Name] != nil {
		return refusal(http.StatusConflict, "conflict", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	b := &bucket{Name: wanted.Name, Created: time.Now().UTC(), objects: map[string]*object{}}
	text, err := json.Marshal(b)
	if err == nil {
		err = disk.Write(filepath.Join(s.dir, b.Name, "bucket.json"), text, 0o600)
	}
	if err != nil {
		return err
	}
	s.buckets[b.Name] = b
	return respond(w, b.resource())
}

// Refusal is an answer other than success.
type Refusal struct {
	Code            int
	Reason, Message string
}

// Error implements error.
func (e *Refusal) Error() string { return e.Message }

func refusal(code int, reason, message string) error { return &Refusal{code, reason, message} }

// refuse responds with an error, in Google's form.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	refused := new(Refusal)
	if !errors.As(err, &refused) {
		refused = &Refusal{http.StatusInternalServerError, "backendError", err.Error()}
		if full := new(disk.FullError); errors.As(err, &full) {
			refused.Code, refused.Reason = http.StatusInsufficientStorage, "diskFull"
		}
		_, _ = fmt.Fprintf(s.log, "storage: %v\n", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(refused.Code)
	one := map[string]any{"message": refused.Message, "domain": "global", "reason": refused.Reason}
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": refused.Code, "message": refused.Message, "errors": []any{one}}})
}

// respond responds with JSON.
func respond(w http.ResponseWriter, body any) error {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(body) // the client is gone
	return nil
}
