package transfer_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestUnchangedReadsNothing syncs twice to a bucket, and from it. The second sync sends one list, and opens no
// file, also where the first one has just created all of them. A file whose size and time were kept, and not
// its content, is found.
func TestUnchangedReadsNothing(t *testing.T) {
	b, dir, back := serve(t), t.TempDir(), filepath.Join(t.TempDir(), "back")
	files := map[string]string{"a": "one", "b c": "two", "d/e": "three"}
	write(t, dir, files)
	later := func(o *transfer.Options) { o.Now = func() time.Time { return time.Now().Add(time.Minute) } }
	for _, test := range []struct {
		from, to, local string
		options         func(*transfer.Options)
	}{
		{dir, "gs://data", dir, later}, // the files are not written now
		{"gs://data", back, back, nil},
	} {
		cache := t.TempDir()
		if _, err := b.sync(t, test.from, test.to, cache, test.options); err != nil {
			t.Fatal(err)
		}
		opened := watchOpened(t, test.local, filepath.Join(test.local, "d"))
		var requests []string
		b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			requests = append(requests, r.Method+" "+r.URL.Path)
			return next.RoundTrip(r)
		}
		s, err := b.sync(t, test.from, test.to, cache, test.options)
		b.fault = nil
		if err != nil || len(s.Changes) > 0 || s.Unchanged != len(files) {
			t.Errorf("%s again: %+v, %v", test.from, s, err)
		}
		if len(requests) != 1 || requests[0] != "GET /storage/v1/b/data/o" {
			t.Errorf("%s again: it sent %q", test.from, requests)
		}
		if names := opened(); len(names) > 0 {
			t.Errorf("%s again: it opened %q", test.from, names)
		}
		write(t, test.local, map[string]string{"a": "eno"})
		if s, err := b.sync(t, test.from, test.to, cache, test.options); err != nil || len(s.Changes) != 1 {
			t.Errorf("%s with a change that keeps size and time: %+v, %v", test.from, s, err)
		}
		if test.local == dir {
			write(t, dir, files)
			if _, err := b.sync(t, test.from, test.to, cache, test.options); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// watchOpened returns a function that returns the names of the files of directories that were opened meanwhile,
// by any process.
func watchOpened(t *testing.T, dirs ...string) func() []string {
	t.Helper()
	queue, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if _, err := unix.InotifyAddWatch(queue, dir, unix.IN_OPEN); err != nil {
			t.Fatal(err)
		}
	}
	return func() (names []string) {
		defer unix.Close(queue)
		buffer := make([]byte, 64<<10)
		n, err := unix.Read(queue, buffer)
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			t.Fatal(err)
		}
		for events := buffer[:max(n, 0)]; len(events) >= unix.SizeofInotifyEvent; {
			mask, length := binary.NativeEndian.Uint32(events[4:]), binary.NativeEndian.Uint32(events[12:])
			name := events[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+length]
			if mask&unix.IN_ISDIR == 0 {
				names = append(names, string(bytes.TrimRight(name, "\x00")))
			}
			events = events[unix.SizeofInotifyEvent+length:]
		}
		return names
	}
}
