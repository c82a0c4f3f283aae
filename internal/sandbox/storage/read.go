package storage

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// maxPage is how many results a page has at most.
const maxPage = 1000

// list lists the objects of a bucket by name, in pages.
func (s *Server) list(w http.ResponseWriter, bucket string, q url.Values) error {
	b, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	limit := maxPage
	if n, err := strconv.Atoi(q.Get("maxResults")); err == nil && n > 0 {
		limit = min(n, maxPage)
	}
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), q.Get("pageToken")
	items, prefixes, next := []*object{}, []string{}, ""
	s.mu.Lock()
	objects := maps.Clone(b.objects)
	s.mu.Unlock()
	last := ""
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		entry, isPrefix := name, false
		if delimiter != "" {
			if inside, _, ok := strings.Cut(name[len(prefix):], delimiter); ok {
				entry, isPrefix = prefix+inside+delimiter, true
			}
		}
		if after != "" && entry <= after || isPrefix && entry == last {
			continue
		}
		if len(items)+len(prefixes) == limit {
			next = last
			break
		}
		if last = entry; isPrefix {
			prefixes = append(prefixes, entry)
		} else {
			items = append(items, objects[name])
		}
	}
	answer := map[string]any{"kind": "storage#objects"}
	if len(items) > 0 {
		answer["items"] = items
	}
	if len(prefixes) > 0 {
		answer["prefixes"] = prefixes
	}
	if next != "" {
		answer["nextPageToken"] = next
	}
	return respond(w, answer)
}

// listBuckets lists all buckets.
func (s *Server) listBuckets(w http.ResponseWriter) error {
	s.mu.Lock()
	buckets := maps.Clone(s.buckets)
	s.mu.Unlock()
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		items = append(items, buckets[name].resource())
	}
	return respond(w, map[string]any{"kind": "storage#buckets", "items": items})
}

// get returns the metadata of an object, or its content for alt=media.
func (s *Server) get(w http.ResponseWriter, r *http.Request, bucket, name string) error {
	q := r.URL.Query()
	o, err := s.find(bucket, name, q.Get("generation"))
	if err != nil {
		return err
	}
	c, err := conditionsOf(q, "if")
	if err == nil {
		err = c.check(o)
	}
	if err != nil {
		return err
	}
	if q.Get("alt") != "media" {
		return respond(w, o)
	}
	file, content, err := s.open(o)
	if err != nil {
		return err
	}
	defer file.Close()
	header := w.Header()
	header.Set("Content-Type", o.ContentType)
	if o.ContentType == "" {
		header.Set("Content-Type", "application/octet-stream")
	}
	header.Set("X-Goog-Hash", "crc32c="+o.CRC32C)
	header.Set("X-Goog-Generation", strconv.FormatInt(o.Generation, 10))
	header.Set("X-Goog-Stored-Content-Length", strconv.FormatInt(o.Size, 10))
	if o.Encoding == gzipped && !strings.Contains(r.Header.Get("Accept-Encoding"), gzipped) {
		return decompress(w, content)
	}
	if o.Encoding != "" {
		header.Set("Content-Encoding", o.Encoding)
	}
	http.ServeContent(w, r, "", time.Time{}, content)
	return nil
}

// gzipped is the encoding of content that is kept compressed.
const gzipped = "gzip"

// decompress sends what is kept compressed to a client that does not accept that, and all of it, whatever part was
// asked for. See cloud.google.com/storage/docs/transcoding.
func decompress(w http.ResponseWriter, content io.Reader) error {
	plain, err := gzip.NewReader(content)
	if err != nil {
		return refusal(http.StatusBadRequest, "invalid", "the content is not compressed by gzip, as its contentEncoding says")
	}
	_, err = io.Copy(w, plain) //nolint:gosec // G110: it is not kept
	return err
}

// remove deletes an object.
func (s *Server) remove(w http.ResponseWriter, bucket, name string, q url.Values) error {
	o, err := s.find(bucket, name, q.Get("generation"))
	if err != nil {
		return err
	}
	c, err := conditionsOf(q, "if")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b.objects[name] != o {
		return refusal(http.StatusPreconditionFailed, "conditionNotMet", fmt.Sprintf("%s/%s was changed at the same time", bucket, name))
	}
	if err := c.check(o); err != nil {
		return err
	}
	if err := disk.Remove(s.path(bucket, name)); err != nil {
		return err
	}
	delete(b.objects, name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
