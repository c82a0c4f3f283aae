package container

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestDirectView(t *testing.T) {
	r, image := direct(t, layerOf(t, file("app/data/x", "1")))
	if ok, why := r.Isolation(t.Context()); ok || why != "the test asks for it" {
		t.Errorf("isolation %v, %q", ok, why)
	}
	l := mustLaunch(t, r, Spec{
		Image: image, Env: []string{"IN=/app/data/x", "KEYS=/secret"}, WorkingDir: "/app/new",
		Args:   []string{"all", "env", "IN", "KEYS", "HOME", "--", "read", "../data/x", "/app/data/x", "/secret/key", "--", "mode", "/secret", "/secret/key", "--", "self"},
		Mounts: []Mount{{Target: "/secret", Files: map[string][]byte{"key": []byte("k")}}},
	})
	if exit := l.end(t); exit.Code != 0 {
		t.Fatalf("exit %+v: %s", exit, l.out)
	}
	lines := strings.Split(l.out.String(), "\n")
	want := []string{
		"IN=" + filepath.Join(l.dir, "rootfs/app/data/x"), "KEYS=" + filepath.Join(l.dir, "files/0"), "HOME=" + filepath.Join(l.dir, "rootfs"),
		"1", "1", "k", "drwx------", "-rw-------",
	}
	for i, w := range want {
		if lines[i] != w {
			t.Errorf("line %d is %q, want %q", i, lines[i], w)
		}
	}
	if !strings.HasSuffix(lines[len(want)], filepath.Join(l.dir, "rootfs/app/new")) {
		t.Errorf("its view is %q", lines[len(want)])
	}
	if _, err := os.Stat(filepath.Join(l.dir, "files")); err == nil {
		t.Error("the secret's file is still there")
	}
}

// TestManyStartAtOnce copies programs while other containers start. None of them may fail
// with "text file busy".
func TestManyStartAtOnce(t *testing.T) {
	r, image := direct(t)
	dir := t.TempDir()
	var group sync.WaitGroup
	for one := range 8 {
		group.Go(func() {
			for n := range 12 {
				p, err := r.Start(t.Context(), Spec{Name: "main", Image: image, Args: []string{"self"}, Dir: filepath.Join(dir, fmt.Sprint(one, "-", n))})
				if err != nil {
					t.Error(err)
					return
				}
				if exit, err := p.Wait(); err != nil || exit.Code != 0 {
					t.Errorf("%+v %v", exit, err)
				}
			}
		})
	}
	group.Wait()
}

func TestDirectNeedsStatic(t *testing.T) {
	script := file("bin/script", "#!/bin/sh\nexit 0\n")
	script.Mode = 0o755
	r, image := direct(t, layerOf(t, script))
	_, err := launch(t, r, Spec{Image: image, Command: []string{"script"}})
	var needs *NotIsolatedError
	if !errors.As(err, &needs) {
		t.Fatalf("error %v", err)
	}
	want := "start script: it is not a static binary (it needs /bin/sh from its image), and containers are not isolated here (the test asks for it): " +
		"use an image with a static binary (such as an image of kind go), or a real cluster"
	if err.Error() != want {
		t.Errorf("error %s\nwant  %s", err, want)
	}
	other := *image
	other.Config.OS = "plan9"
	if _, err := launch(t, r, Spec{Image: &other}); !errors.As(err, &needs) {
		t.Errorf("error %v", err)
	}
	_, err = launch(t, r, Spec{Image: image, Command: []string{"/app/train"}})
	if e := startError(t, err); e.Error() != "start /app/train: no such file in the image" {
		t.Error(e)
	}
}
