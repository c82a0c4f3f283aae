package main

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-ci/slipway/internal/sandbox"
)

// saveImage saves an image of the sandbox that runs in the working directory to a layout, or to
// an archive if the path ends in .tar: saveimage IMAGE:TAG PATH.
func saveImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: saveimage IMAGE:TAG PATH")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	running, err := sandbox.Running(ctx, ts.MkAbs(filepath.Join(".slipway", "sandbox")))
	ts.Check(err)
	tag, err := name.NewTag(strings.TrimPrefix(running.Registry, "http://")+"/"+args[0], name.Insecure)
	ts.Check(err)
	image, err := remote.Image(tag, remote.WithContext(ctx), remote.WithAuthFromKeychain(running.Keychain(authn.NewMultiKeychain())))
	ts.Check(err)
	ts.Check(save(image, tag, ts.MkAbs(args[1])))
}

func save(image v1.Image, tag name.Tag, path string) error {
	if strings.HasSuffix(path, ".tar") {
		return tarball.WriteToFile(path, tag, image)
	}
	to, err := layout.Write(path, empty.Index)
	if err != nil {
		return err
	}
	return to.AppendImage(image)
}
