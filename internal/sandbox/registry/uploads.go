package registry

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// uploads receives blobs directly to disk, several at once. go-containerregistry's own
// handler keeps streamed uploads in memory, and handles only one at a time.
type uploads struct {
	blobs *blobs
	next  http.Handler

	mu   sync.Mutex
	busy map[string]bool
}

// ServeHTTP serves /v2/NAME/blobs/uploads/, and passes other requests on.
func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repository, id, ok := strings.Cut(r.URL.Path, "/blobs/uploads")
	if !ok {
		u.next.ServeHTTP(w, r)
		return
	}
	id = strings.Trim(id, "/")
	var err error
	switch {
	case r.Method == http.MethodPost && id == "":
		err = u.begin(w, r, repository)
	case r.Method == http.MethodPatch && valid(id):
		err = u.patch(w, r, repository, id)
	case r.Method == http.MethodPut && valid(id):
		err = u.finish(w, r, repository, id)
	default:
		err = &protocolError{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "upload not found"}
	}
	if err == nil {
		return
	}
	var refusal *protocolError
	if !errors.As(err, &refusal) {
		refusal = &protocolError{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", disk.Explain(u.blobs.dir, err).Error()}
	}
	refusal.write(w)
}

// protocolError is an error of the distribution protocol.
type protocolError struct {
	status        int
	code, message string
}

func (r *protocolError) Error() string { return r.message }

func (r *protocolError) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, r.code, r.message)
}

// begin starts an upload, unless the client asks to mount a blob that exists. All
// repositories share the blobs.
func (u *uploads) begin(w http.ResponseWriter, r *http.Request, repository string) error {
	query := r.URL.Query()
	if mount, err := v1.NewHash(query.Get("mount")); err == nil {
		if _, err := u.blobs.Stat(r.Context(), "", mount); err == nil {
			return created(w, repository, mount)
		}
	}
	name := make([]byte, 16)
	if _, err := rand.Read(name); err != nil {
		return err
	}
	id := hex.EncodeToString(name)
	file, err := os.OpenFile(u.path(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if query.Get("digest") != "" { // in one request
		return u.finish(w, r, repository, id)
	}
	accepted(w, repository, id, 0)
	return nil
}

// patch appends the body to an upload.
func (u *uploads) patch(w http.ResponseWriter, r *http.Request, repository, id string) error {
	release, err := u.hold(id)
	if err != nil {
		return err
	}
	defer release()
	size, err := u.add(r, id)
	if err == nil {
		accepted(w, repository, id, size)
	}
	return err
}

// finish appends the body to an upload, and makes it a blob if it has the digest.
func (u *uploads) finish(w http.ResponseWriter, r *http.Request, repository, id string) error {
	digest, err := v1.NewHash(r.URL.Query().Get("digest"))
	if err != nil || digest.Algorithm != "sha256" {
		return &protocolError{http.StatusBadRequest, "DIGEST_INVALID", "the digest is missing or is not a SHA-256 digest"}
	}
	release, err := u.hold(id)
	if err != nil {
		return err
	}
	defer release()
	if _, err := u.add(r, id); err != nil {
		return err
	}
	file, err := os.Open(u.path(id))
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(h, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != digest.Hex {
		_ = os.Remove(u.path(id))
		return &protocolError{http.StatusBadRequest, "DIGEST_INVALID", "digest mismatch: the content that was sent does not have the digest " + digest.String()}
	}
	if err := u.blobs.take(u.path(id), digest); err != nil {
		return err
	}
	return created(w, repository, digest)
}

// add appends the body to the upload's file and returns the file's size. If it cannot
// write all of the body it removes the file, which frees the space on a full disk.
func (u *uploads) add(r *http.Request, id string) (int64, error) {
	file, err := os.OpenFile(u.path(id), os.O_APPEND|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return 0, &protocolError{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "the upload has ended or was never started"}
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	var first, last int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "%d-%d", &first, &last); err == nil && first != info.Size() {
		return 0, &protocolError{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", fmt.Sprintf("the upload has %d bytes", info.Size())}
	}
	n, err := io.Copy(file, r.Body)
	if err != nil {
		_ = os.Remove(u.path(id))
	}
	return info.Size() + n, err
}

// hold keeps two requests from writing the same upload.
func (u *uploads) hold(id string) (release func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.busy[id] {
		return nil, &protocolError{http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "another request is writing to this upload"}
	}
	u.busy[id] = true
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.busy, id)
	}, nil
}

func (u *uploads) path(id string) string { return filepath.Join(u.blobs.dir, partialPrefix+id) }

// valid reports whether id has the form of the IDs that begin returns.
func valid(id string) bool { return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" }

func accepted(w http.ResponseWriter, repository, id string, size int64) {
	w.Header().Set("Location", repository+"/blobs/uploads/"+id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, size-1)))
	w.Header().Set("Docker-Upload-Uuid", id)
	w.WriteHeader(http.StatusAccepted)
}

func created(w http.ResponseWriter, repository string, digest v1.Hash) error {
	w.Header().Set("Location", repository+"/blobs/"+digest.String())
	w.Header().Set("Docker-Content-Digest", digest.String())
	w.WriteHeader(http.StatusCreated)
	return nil
}
