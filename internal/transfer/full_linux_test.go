package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestFullDisk downloads, and copies from another directory, to a disk that has no room for the second file. It
// is one error, the first file stays, and nothing is left of the other. With room, the rest is copied.
func TestFullDisk(t *testing.T) {
	if at := os.Getenv("TRANSFER_FULL"); at != "" {
		fillDisk(t, at)
		return
	}
	b, small := serve(t), t.TempDir()
	write(t, small, map[string]string{"large": strings.Repeat("x", 3<<20), "small": "x"})
	if _, err := b.sync(t, small, "gs://data", t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	c.Env = append(os.Environ(), "TRANSFER_FULL="+t.TempDir(), "TRANSFER_SYNC="+b.Address, "TRANSFER_FROM="+small)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "no disk") {
		t.Skipf("no mounts in user namespaces here: %v %s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v: %s", err, out)
	}
}

// fillDisk is the part of TestFullDisk in a namespace of its own, which can mount a small disk.
func fillDisk(t *testing.T, disk string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatalf("no disk: %v", err)
	}
	b := &buckets{Client: &storage.Client{
		Address: os.Getenv("TRANSFER_SYNC"), Transport: http.DefaultTransport, Pause: func(context.Context, time.Duration) error { return nil },
	}}
	for n, from := range []string{"gs://data", os.Getenv("TRANSFER_FROM")} {
		to := filepath.Join(disk, fmt.Sprint(n))
		write(t, to, map[string]string{"small": "x"}) // it is complete already
		s, err := b.sync(t, from, to, t.TempDir(), nil)
		full := new(transfer.FullError)
		want := "the disk of " + to + " is full (no space left on device): make room, and run the command again; complete files stay"
		if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) || err.Error() != want || len(s.Changes) > 0 {
			t.Errorf("%s: %+v, %v\nwant %s", from, s, err, want)
		}
		equal(t, map[string]string{"small": "x"}, read(t, to))
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sync(t, "gs://data", filepath.Join(disk, "0"), t.TempDir(), nil); err != nil {
		t.Error(err)
	}
}
