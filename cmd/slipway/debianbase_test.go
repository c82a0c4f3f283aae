package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// debianBase pushes Debian's Python to the sandbox that runs in the working directory, with the apt
// sources and the keyring of a repository that the test serves, and stores its reference in a
// variable: debianbase NAME VERSION. The repository has the packages answer, in a version, and needy.
func debianBase(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: debianbase NAME VERSION")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	running, err := sandbox.Running(ctx, ts.MkAbs(filepath.Join(".slipway", "sandbox")))
	ts.Check(err)
	repository := &debiantest.Repository{Key: debiantest.NewKey(t), At: time.Now(), Until: time.Now().AddDate(0, 0, 7)}
	repository.Publish(t,
		debiantest.Deb{Name: "answer", Version: args[1], Architecture: "all", Compression: "xz", Fields: map[string]string{"Depends": "libc6, question"}, Files: map[string]string{"usr/bin/answer": "#!/bin/sh\necho answer $(cat /usr/share/question)\n"}},
		debiantest.Deb{Name: "question", Version: "1", Architecture: "all", Compression: "gz", Files: map[string]string{"usr/share/question": "42"}},
		debiantest.Deb{Name: "needy", Version: "1", Architecture: "all", Control: map[string]string{"postinst": "#!/bin/sh\nset -e\nadduser --system needy\n"}})
	files := repository.Base(t, repository.Serve(t))
	delete(files, "var/lib/dpkg/status")
	delete(files, "lib")
	delete(files, "usr/lib/x86_64-linux-gnu/libc.so.6")
	files["etc/apt/sources.list"] = ""
	python, err := newTarLayer(testenv.PythonBase(t))
	ts.Check(err)
	text := debiantest.Tar(t, files)
	apt, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil })
	ts.Check(err)
	base, err := mutate.AppendLayers(empty.Image, python, apt)
	ts.Check(err)
	reference, err := name.ParseReference(strings.TrimPrefix(running.Registry, "http://")+"/bases/debian:"+args[1], name.Insecure)
	ts.Check(err)
	ts.Check(remote.Write(reference, base, remote.WithContext(ctx), remote.WithAuthFromKeychain(running.Keychain(authn.NewMultiKeychain()))))
	ts.Setenv(args[0], reference.String())
}
