package storage

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// upload is a resumable upload. Its content is a file, beside the request that began it. So it
// outlasts the process, as the API promises.
type upload struct {
	mu     sync.Mutex
	file   *os.File
	size   int64
	sum    hash.Hash32
	object *object
	c      conditions
	done   *object
}

// session is what is kept of an upload.
type session struct {
	Object   object
	Match    *int64
	NotMatch *int64
	Began    time.Time
}

// maxSession is how long an upload that is not complete is kept, as Cloud Storage keeps it.
const maxSession = 7 * 24 * time.Hour

var sessionID = lazyregexp.New(`^[A-Z2-7]{26}$`)

// begin begins a resumable upload.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, bucket string, c conditions) error {
	kept := session{Match: c.match, NotMatch: c.notMatch, Began: time.Now()}
	o := &kept.Object
	if err := json.NewDecoder(io.LimitReader(r.Body, maxMetadata)).Decode(o); err != nil && !errors.Is(err, io.EOF) {
		return refusal(http.StatusBadRequest, "parseError", "Parse Error")
	}
	o.fill(r.URL.Query())
	if !validObject(o.Name) {
		return refusal(http.StatusBadRequest, "invalid", fmt.Sprintf("Invalid object name: %q", o.Name))
	}
	if o.ContentType == "" {
		o.ContentType = r.Header.Get("X-Upload-Content-Type")
	}
	o.Bucket = bucket
	there, err := s.find(bucket, o.Name, "")
	if refused := new(Refusal); err != nil && !errors.As(err, &refused) {
		return err
	}
	if err := c.check(there); err != nil {
		return err
	}
	id := rand.Text()
	text, err := json.Marshal(kept)
	if err == nil {
		err = disk.Write(s.sessionPath(bucket, id)+".json", text, 0o600)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Location", "http://"+r.Host+uploadPath+"b/"+bucket+"/o?uploadType=resumable&upload_id="+id)
	w.Header().Set("X-GUploader-UploadID", id)
	return nil
}

func (s *Server) sessionPath(bucket, id string) string {
	return filepath.Join(s.dir, bucket, "uploads", id)
}

// session returns an upload that was begun.
func (s *Server) session(bucket, id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uploads[id]; u != nil {
		return u, nil
	}
	gone := refusal(http.StatusNotFound, "notFound", "The upload session does not exist.")
	if !sessionID.MatchString(id) {
		return nil, gone
	}
	path := s.sessionPath(bucket, id)
	texts, err := disk.Read(filepath.Dir(path), id+".json")
	if err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, gone
	}
	var kept session
	if err := json.Unmarshal(texts[0], &kept); err != nil {
		return nil, err
	}
	u := &upload{object: &kept.Object, c: conditions{kept.Match, kept.NotMatch}, sum: crc32.New(castagnoli())}
	if u.file, err = disk.Edit(path); err != nil {
		return nil, err
	}
	if u.size, err = io.Copy(u.sum, u.file); err != nil { // what came before a restart
		return nil, errors.Join(err, u.file.Close())
	}
	s.uploads[id] = u
	return u, nil
}

// goOn receives a part of an upload, or says how much there is.
func (s *Server) goOn(w http.ResponseWriter, r *http.Request, bucket, id string) error {
	u, err := s.session(bucket, id)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if r.Method == http.MethodDelete {
		s.forget(bucket, id, u)
		w.WriteHeader(499)
		return nil
	}
	if u.done != nil {
		return respond(w, u.done)
	}
	from, total, query, err := contentRange(r)
	if err != nil {
		return err
	}
	if !query {
		if from > u.size {
			return refusal(http.StatusServiceUnavailable, "backendError", fmt.Sprintf("the upload has %d bytes: go on there", u.size))
		}
		if skip := u.size - from; skip > 0 { // it is there already
			if _, err := io.CopyN(io.Discard, r.Body, skip); err != nil {
				return err
			}
		}
		n, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(u.file, u.size), u.sum), r.Body)
		u.size += n
		if err != nil { // the connection broke: what came is kept, and read again
			s.release(id, u)
			return disk.Explain(u.file.Name(), err)
		}
		if r.Header.Get("Content-Range") == "" {
			total = u.size
		}
	}
	if total < 0 || u.size < total {
		if u.size > 0 {
			w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", u.size-1))
		}
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	if u.done, err = s.commit(u.file, u.object, u.size, u.sum.Sum32(), u.c); err != nil {
		s.forget(bucket, id, u)
		return err
	}
	if err := disk.Remove(s.sessionPath(bucket, id) + ".json"); err != nil {
		return err
	}
	return respond(w, u.done)
}

// release closes the file of an upload, which goes on when it is next asked for.
func (s *Server) release(id string, u *upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, id)
	_ = u.file.Close() // it may be closed already
}

// forget ends an upload.
func (s *Server) forget(bucket, id string, u *upload) {
	s.release(id, u)
	for _, path := range []string{s.sessionPath(bucket, id), s.sessionPath(bucket, id) + ".json"} {
		if err := disk.Remove(path); err != nil {
			_, _ = fmt.Fprintf(s.log, "storage: %v\n", err)
		}
	}
}

// contentRange reads the header Content-Range: where the body begins, and the size of the object, or
// -1 if it is not known yet. It reports query for a request that has no content.
func contentRange(r *http.Request) (from, total int64, query bool, err error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return 0, -1, false, nil
	}
	bad := refusal(http.StatusBadRequest, "badRequest", "Failed to parse Content-Range header.")
	bounds, size, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if !ok {
		return 0, 0, false, bad
	}
	total = -1
	if size != "*" {
		if total, err = strconv.ParseInt(size, 10, 64); err != nil {
			return 0, 0, false, bad
		}
	}
	if bounds == "*" {
		return 0, total, true, nil
	}
	first, _, _ := strings.Cut(bounds, "-")
	if from, err = strconv.ParseInt(first, 10, 64); err != nil || from < 0 {
		return 0, 0, false, bad
	}
	return from, total, false, nil
}
