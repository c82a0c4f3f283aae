package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// Latest returns the manifest of a job's newest run in the bucket that met what the job required, or nil
// if there is none.
func (s *Store) Latest(ctx context.Context, job string) (*Manifest, error) {
	objects, err := s.list(ctx, s.project()+job+"/")
	if err != nil {
		return nil, err
	}
	var newest *storage.Object
	var of time.Time
	for name, object := range objects {
		if dir, ok := strings.CutSuffix(name, "/"+manifestName); !ok || strings.Contains(dir, "/") {
			continue
		}
		created, err := time.Parse(time.RFC3339Nano, object.Metadata[createdKey])
		if gate := object.Metadata[gateKey]; err == nil && (gate == "" || gate == project.GateMet) && (newest == nil || created.After(of)) {
			newest, of = object, created
		}
	}
	if newest == nil {
		return nil, nil
	}
	return s.read(ctx, newest)
}

// Find returns the manifest of the only run in the bucket whose UUID begins with id, or nil if there is none
// or more than one.
func (s *Store) Find(ctx context.Context, id string) (*Manifest, error) {
	jobs, err := s.prefixes(ctx, s.project())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, job := range jobs {
		runs, err := s.prefixes(ctx, job+id)
		if err != nil {
			return nil, err
		}
		found = append(found, runs...)
	}
	if len(found) != 1 {
		return nil, nil
	}
	object, err := s.stat(ctx, found[0]+manifestName)
	if err != nil || object == nil {
		return nil, err
	}
	return s.read(ctx, object)
}

// prefixes returns the directories whose names begin with prefix.
func (s *Store) prefixes(ctx context.Context, prefix string) ([]string, error) {
	found := map[string]bool{}
	for entry, err := range s.client.List(ctx, s.at.Bucket, prefix, "/") {
		if storage.Is(err, http.StatusNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if entry.Prefix != "" {
			found[entry.Prefix] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// Download writes the content of a file of a manifest, and returns an error if it has another SHA-256.
func (s *Store) Download(ctx context.Context, m *Manifest, f File, w io.Writer) error {
	object, err := s.client.Stat(ctx, s.at.Bucket, s.run(m.Job, m.Run)+f.Path)
	if err != nil {
		return transfer.Explain(ctx, s.client, err, s.at)
	}
	sum := sha256.New()
	if err := s.client.Download(ctx, object, 0, io.MultiWriter(w, sum)); err != nil {
		return err
	}
	if have := hex.EncodeToString(sum.Sum(nil)); have != f.SHA256 {
		return fmt.Errorf("%s has the SHA-256 %s, and its manifest says %s: it was changed after it was copied", object.Address(), have, f.SHA256)
	}
	return nil
}
