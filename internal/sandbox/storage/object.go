package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// maxMetadata bounds the metadata of a request, in bytes.
const maxMetadata = 64 << 10

// object is the metadata of an object, as the API shows it and as it is kept.
type object struct {
	Kind           string            `json:"kind"`
	ID             string            `json:"id"`
	Bucket         string            `json:"bucket"`
	Name           string            `json:"name"`
	Generation     int64             `json:"generation,string"`
	Metageneration int64             `json:"metageneration,string"`
	Size           int64             `json:"size,string"`
	CRC32C         string            `json:"crc32c"`
	ETag           string            `json:"etag"`
	ContentType    string            `json:"contentType,omitempty"`
	Encoding       string            `json:"contentEncoding,omitempty"`
	StorageClass   string            `json:"storageClass"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Created        time.Time         `json:"timeCreated"`
	Updated        time.Time         `json:"updated"`
	Components     int               `json:"componentCount,omitempty"`
}

var bucketName = lazyregexp.New(`^[a-z0-9][-_.a-z0-9]{1,220}[a-z0-9]$`)

// validBucket reports whether Cloud Storage accepts the name of a bucket, by
// cloud.google.com/storage/docs/buckets#naming. Only names with dots may have more than 63 bytes.
func validBucket(name string) bool {
	if !bucketName.MatchString(name) || strings.HasPrefix(name, "goog") || strings.Contains(name, "google") {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > 63 {
			return false
		}
	}
	return true
}

// validObject reports whether Cloud Storage accepts the name of an object, by
// cloud.google.com/storage/docs/objects#naming.
func validObject(name string) bool {
	return name != "" && len(name) <= 1024 && utf8.ValidString(name) && !strings.ContainsAny(name, "\r\n") &&
		name != "." && name != ".." && !strings.HasPrefix(name, ".well-known/acme-challenge/")
}

// path returns the file of an object. Names of objects are no names of files.
func (s *Server) path(bucket, name string) string {
	sum := sha256.Sum256([]byte(name))
	text := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, bucket, "objects", text[:2], text)
}

// readObject reads the metadata at the end of a file: JSON, and its length in 8 bytes.
func readObject(path string) (*object, error) {
	file, err := disk.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var end [8]byte
	if _, err := file.ReadAt(end[:], info.Size()-8); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	length := binary.BigEndian.Uint64(end[:])
	if length > 2*maxMetadata || int64(length) > info.Size()-8 {
		return nil, fmt.Errorf("%s is damaged", path)
	}
	text := make([]byte, length)
	if _, err := file.ReadAt(text, info.Size()-8-int64(length)); err != nil {
		return nil, err
	}
	o := &object{}
	if err := json.Unmarshal(text, o); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return o, nil
}

// conditions are the preconditions of a request.
type conditions struct{ match, notMatch *int64 }

// conditionsOf reads the preconditions of a request, whose names begin with prefix.
func conditionsOf(q url.Values, prefix string) (c conditions, err error) {
	for name, into := range map[string]**int64{prefix + "GenerationMatch": &c.match, prefix + "GenerationNotMatch": &c.notMatch} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 64)
		if err != nil {
			return c, refusal(http.StatusBadRequest, "invalidParameter", "Invalid long value for "+name)
		}
		*into = &n
	}
	return c, nil
}

// check returns a refusal unless the conditions hold for the object that is there, or nil.
func (c conditions) check(there *object) error {
	var generation int64
	if there != nil {
		generation = there.Generation
	}
	switch {
	case c.match != nil && *c.match != generation:
		return refusal(http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
	case c.notMatch != nil && *c.notMatch == generation:
		return refusal(http.StatusNotModified, "conditionNotMet", "Not modified")
	}
	return nil
}

// commit makes an object of a file that has its content, and removes the file if it cannot. The
// metadata of o, and its CRC32C if it has one, are those that the client gave.
func (s *Server) commit(file *os.File, o *object, size int64, crc uint32, c conditions) (*object, error) {
	err := func() error {
		sum := encodeCRC(crc)
		if o.CRC32C != "" && o.CRC32C != sum {
			return refusal(http.StatusBadRequest, "invalid", fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", o.CRC32C, sum))
		}
		s.mu.Lock()
		s.last = max(s.last+1, time.Now().UnixMicro())
		o.Generation = s.last
		s.mu.Unlock()
		o.Kind, o.Size, o.CRC32C, o.Metageneration, o.StorageClass = "storage#object", size, sum, 1, "STANDARD"
		o.ID = fmt.Sprintf("%s/%s/%d", o.Bucket, o.Name, o.Generation)
		o.Created = time.UnixMicro(o.Generation).UTC()
		o.Updated, o.ETag = o.Created, base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, o.Generation, 36))
		text, err := json.Marshal(o)
		if err != nil {
			return err
		}
		text = binary.BigEndian.AppendUint64(text, uint64(len(text)))
		_, err = file.WriteAt(text, size)
		return errors.Join(err, file.Sync())
	}()
	err = errors.Join(err, file.Close())
	if err == nil {
		err = s.place(file.Name(), o, c)
	}
	if err != nil {
		return nil, disk.Explain(file.Name(), errors.Join(err, disk.Remove(file.Name())))
	}
	return o, nil
}

// place gives a complete file the name of its object.
func (s *Server) place(file string, o *object, c conditions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[o.Bucket]
	if b == nil {
		return refusal(http.StatusNotFound, "notFound", "The specified bucket does not exist.")
	}
	if err := c.check(b.objects[o.Name]); err != nil {
		return err
	}
	path := s.path(o.Bucket, o.Name)
	if err := disk.Rename(file, path); err != nil {
		return err
	}
	b.objects[o.Name] = o
	return nil
}

// find returns an object, of the generation that the request names.
func (s *Server) find(bucket, name, generation string) (*object, error) {
	b, err := s.bucket(bucket)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := b.objects[name]
	if o == nil || generation != "" && generation != strconv.FormatInt(o.Generation, 10) {
		return nil, refusal(http.StatusNotFound, "notFound", fmt.Sprintf("No such object: %s/%s", bucket, name))
	}
	return o, nil
}

// open opens the content of an object. If it is replaced meanwhile, find it again.
func (s *Server) open(o *object) (*os.File, *io.SectionReader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[o.Bucket]; b == nil || b.objects[o.Name] != o {
		return nil, nil, refusal(http.StatusNotFound, "notFound", fmt.Sprintf("No such object: %s/%s", o.Bucket, o.Name))
	}
	file, err := disk.Open(s.path(o.Bucket, o.Name))
	if err != nil {
		return nil, nil, err
	}
	return file, io.NewSectionReader(file, 0, o.Size), nil
}

// castagnoli returns the table of CRC32C.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// encodeCRC returns a CRC32C as the API writes it.
func encodeCRC(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
