package storage

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Object is the metadata of an object.
type Object struct {
	Bucket     string            `json:"bucket"`
	Name       string            `json:"name"`
	Generation int64             `json:"generation,string"`
	Size       int64             `json:"size,string"`
	Checksum   string            `json:"crc32c"` // base64, big endian
	Metadata   map[string]string `json:"metadata"`
	Updated    time.Time         `json:"updated"`
	// Encoding is gzip for content that is kept compressed, and that is of another type without. Lists leave it out.
	Encoding string `json:"contentEncoding"`
}

// Address returns the object's gs:// address.
func (o *Object) Address() string { return "gs://" + o.Bucket + "/" + o.Name }

// CRC32C returns the checksum of the content. It reports false if the service has none.
func (o *Object) CRC32C() (uint32, bool) {
	sum, err := base64.StdEncoding.DecodeString(o.Checksum)
	if err != nil || len(sum) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sum), true
}

// NewCRC32C returns a hash that computes the checksum of Cloud Storage.
func NewCRC32C() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// encode returns a CRC32C as the API writes it.
func encode(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}

// CreateBucket creates a bucket in a location, or where Google puts it if that is "". The error of
// one that is there is an *Error with the code 409.
func (c *Client) CreateBucket(ctx context.Context, name, location string) error {
	wanted := map[string]any{"name": name, "iamConfiguration": map[string]any{
		"uniformBucketLevelAccess": map[string]any{"enabled": true}, "publicAccessPrevention": "enforced",
	}}
	if location != "" {
		wanted["location"] = location
	}
	body, size, err := jsonBody(wanted)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Project != "" {
		q.Set("project", c.Project)
	}
	r := request{method: http.MethodPost, path: "/storage/v1/b", query: q, header: jsonHeader(), body: body, size: size}
	return c.call(ctx, r, nil)
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// Buckets returns the names of the project's buckets.
func (c *Client) Buckets(ctx context.Context) ([]string, error) {
	var names []string
	q := url.Values{"fields": {"nextPageToken,items(name)"}}
	if c.Project != "" {
		q.Set("project", c.Project)
	}
	for range maxBucketPages {
		var page struct {
			Items []struct{ Name string }
			Next  string `json:"nextPageToken"`
		}
		if err := c.call(ctx, request{method: http.MethodGet, path: "/storage/v1/b", query: q}, &page); err != nil {
			return nil, err
		}
		for _, b := range page.Items {
			names = append(names, b.Name)
		}
		if page.Next == "" {
			return names, nil
		}
		if page.Next == q.Get("pageToken") {
			return nil, errEndless
		}
		q.Set("pageToken", page.Next)
	}
	return nil, errEndless
}

// maxBucketPages is how many pages of a project's buckets are read. A page has a thousand.
const maxBucketPages = 1000

// Stat returns an object. The error of one that is not there is an *Error with the code 404.
func (c *Client) Stat(ctx context.Context, bucket, name string) (*Object, error) {
	o := &Object{}
	err := c.call(ctx, request{method: http.MethodGet, path: objectPath(bucket, name)}, o)
	if err == nil && (o.Bucket != bucket || o.Name != name || o.Size < 0) {
		err = fmt.Errorf("gs://%s/%s: %w", bucket, name, errForeign)
	}
	return o, err
}

// Entry is an object of a list, or a prefix that objects have in common.
type Entry struct {
	*Object
	Prefix string
}

// List returns the objects whose names begin with prefix, by name. With a delimiter such as "/",
// objects with a delimiter after the prefix are one entry. It requests each page when it is needed.
func (c *Client) List(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		q := url.Values{"fields": {"nextPageToken,prefixes,items(bucket,name,generation,size,crc32c,metadata,updated)"}}
		for name, value := range map[string]string{"prefix": prefix, "delimiter": delimiter} {
			if value != "" {
				q.Set(name, value)
			}
		}
		for order := (listOrder{}); ; {
			var page listPage
			err := c.call(ctx, request{method: http.MethodGet, path: bucketPath(bucket) + "/o", query: q}, &page)
			if err == nil {
				err = order.check(&page, bucket, prefix)
			}
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, p := range page.Prefixes {
				if !yield(Entry{Prefix: p}, nil) {
					return
				}
			}
			for _, o := range page.Items {
				if !yield(Entry{Object: o}, nil) {
					return
				}
			}
			switch page.Next {
			case "":
				return
			case q.Get("pageToken"):
				yield(Entry{}, errEndless)
				return
			}
			q.Set("pageToken", page.Next)
		}
	}
}

// Delete deletes an object if it still has its generation. One that is gone already is no error.
func (c *Client) Delete(ctx context.Context, o *Object) error {
	q := url.Values{"ifGenerationMatch": {strconv.FormatInt(o.Generation, 10)}}
	err := c.call(ctx, request{method: http.MethodDelete, path: objectPath(o.Bucket, o.Name), query: q}, nil)
	if Is(err, http.StatusNotFound) {
		return nil
	}
	return conflict(err, o.Address())
}

// Copy copies an object inside of Cloud Storage, with its metadata. The destination must have the
// generation, 0 for none. A large object takes several requests: see
// cloud.google.com/storage/docs/json_api/v1/objects/rewrite. If many of them in a row copy nothing, Copy
// returns an error.
func (c *Client) Copy(ctx context.Context, from *Object, bucket, name string, generation int64) (*Object, error) {
	q := url.Values{
		"sourceGeneration": {strconv.FormatInt(from.Generation, 10)}, "ifGenerationMatch": {strconv.FormatInt(generation, 10)},
	}
	path := objectPath(from.Bucket, from.Name) + "/rewriteTo/b/" + url.PathEscape(bucket) + "/o/" + url.PathEscape(name)
	written := int64(0)
	for idle := 0; idle < maxIdle; idle++ {
		var answer struct {
			Done     bool
			Token    string `json:"rewriteToken"`
			Written  int64  `json:"totalBytesRewritten,string"`
			Resource *Object
		}
		err := c.call(ctx, request{method: http.MethodPost, path: path, query: q}, &answer)
		if err != nil {
			return c.settle(ctx, err, &Object{Bucket: bucket, Name: name, Size: from.Size, Checksum: from.Checksum})
		}
		if answer.Done && answer.Resource != nil {
			return answer.Resource, nil
		}
		if answer.Done || answer.Token == "" {
			return nil, fmt.Errorf("copy %s: Cloud Storage does not say how to continue", from.Address())
		}
		if answer.Written > written {
			written, idle = answer.Written, 0
		}
		q.Set("rewriteToken", answer.Token)
	}
	return nil, fmt.Errorf("copy %s: Cloud Storage does not go on after %d of %d bytes", from.Address(), written, from.Size)
}

// maxIdle is how many requests in a row may copy nothing.
const maxIdle = 10

// settle decides on the error of a write. If the object has the wanted size and content already,
// then an attempt whose answer was lost has written it, or another program.
func (c *Client) settle(ctx context.Context, err error, wanted *Object) (*Object, error) {
	if !Is(err, http.StatusPreconditionFailed) {
		return nil, err
	}
	there, statErr := c.Stat(ctx, wanted.Bucket, wanted.Name)
	if statErr == nil && there.Size == wanted.Size && there.Checksum == wanted.Checksum {
		return there, nil
	}
	return nil, conflict(err, wanted.Address())
}

// conflict returns a *ConflictError for a precondition that did not hold.
func conflict(err error, object string) error {
	if Is(err, http.StatusPreconditionFailed) {
		return &ConflictError{Object: object, Err: err}
	}
	return err
}
