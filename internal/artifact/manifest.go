package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/tasks/report"
)

// manifestName is the name of the manifest, below that of its run.
const manifestName = "manifest.json"

// Manifest says what a run has left, and where it comes from. It depends on the run alone, and not on when
// or where it was written.
type Manifest struct {
	Version int    `json:"version"` // 1
	Project string `json:"project"`
	Job     string `json:"job"`
	Run     string `json:"run"` // its UUID
	// Commit ends in -dirty if the working tree was not clean.
	Commit string `json:"commit,omitempty"`
	Ref    string `json:"ref,omitempty"`
	Image  string `json:"image,omitempty"`
	// ImageDigest is that of Image, such as sha256:..., or "".
	ImageDigest string             `json:"image_digest,omitempty"`
	Params      map[string]any     `json:"params,omitempty"`
	Metrics     map[string]float64 `json:"metrics,omitempty"`
	// Gate is met or failed, or "" if the job requires nothing of its metrics.
	Gate         string               `json:"gate,omitempty"`
	Requirements []report.Requirement `json:"requirements,omitempty"`

	Created  time.Time  `json:"created"`
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`

	Artifacts map[string]Group `json:"artifacts"`
	Files     []File           `json:"files"`
}

// Group are the files of one artifact, by their paths in Files.
type Group struct {
	Pattern string   `json:"pattern"`
	Files   []string `json:"files"`
}

// File is a file that was copied. Its object has the path below the manifest's directory.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	CRC32C string `json:"crc32c"` // base64, big endian, as Cloud Storage has it
}

// The metadata of an object of a manifest, which tell what is in it without reading it.
const (
	createdKey  = "slipway-created"
	gateKey     = "slipway-gate"
	patternsKey = "slipway-artifacts"
	filesKey    = "slipway-files"
	bytesKey    = "slipway-bytes"
	// endedKey is also that of files: when the run ended, "" if that was not known.
	endedKey = "slipway-run-ended"
)

// describe returns the manifest of a run, without its files.
func describe(of, job string, o *run.Outcome) *Manifest {
	r := &o.Run
	m := &Manifest{Version: 1, Project: of, Job: job, Run: r.UUID, Params: r.Inputs, Metrics: o.Metrics, Created: r.CreatedAt.UTC(), Artifacts: map[string]Group{}}
	m.Commit, _ = r.MetaInfo[project.MetaCommit].(string)
	m.Ref, _ = r.MetaInfo[project.MetaRef].(string)
	if m.Gate, _ = r.MetaInfo[project.MetaGate].(string); m.Gate == project.GateNone {
		m.Gate = ""
	}
	for at, to := range map[*time.Time]**time.Time{&r.StartedAt: &m.Started, &r.FinishedAt: &m.Finished} {
		if !at.IsZero() {
			utc := at.UTC()
			*to = &utc
		}
	}
	m.Image = o.Image()
	_, m.ImageDigest, _ = strings.Cut(m.Image, "@")
	return m
}

// mask masks secret values in what a manifest says of a run: others may read the bucket than those who may read the
// run. A program names its metrics as it likes. The paths of files stay, because they name objects.
func (s *Store) mask(m *Manifest) error {
	text, err := json.Marshal(Manifest{Ref: m.Ref, Params: m.Params, Metrics: m.Metrics, Requirements: m.Requirements})
	if err != nil {
		return err
	}
	var masked Manifest
	numbers := json.NewDecoder(bytes.NewReader(s.MaskJSON(text)))
	numbers.UseNumber()
	if err := numbers.Decode(&masked); err != nil {
		return err
	}
	m.Ref, m.Params, m.Metrics, m.Requirements = masked.Ref, masked.Params, masked.Metrics, masked.Requirements
	return nil
}

// bytes returns the sizes of the files together.
func (m *Manifest) bytes() (total int64) {
	for _, f := range m.Files {
		total += f.Bytes
	}
	return total
}

// upload returns the object of the manifest.
func (m *Manifest) upload(bucket, name, patterns string, generation int64) (storage.Upload, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return storage.Upload{}, err
	}
	text = append(text, '\n')
	crc := storage.NewCRC32C()
	_, _ = crc.Write(text)
	return storage.Upload{
		Bucket: bucket, Name: name, Content: bytes.NewReader(text), Size: int64(len(text)), CRC32C: crc.Sum32(), Generation: generation,
		Metadata: map[string]string{
			createdKey: m.Created.Format(time.RFC3339Nano), gateKey: m.Gate, patternsKey: patterns,
			filesKey: strconv.Itoa(len(m.Files)), bytesKey: strconv.FormatInt(m.bytes(), 10),
		},
	}, nil
}

// maxManifest is how large a manifest may be, in bytes. One of 10,000 files has about 3 MB.
const maxManifest = 32 << 20

// Manifest returns the manifest of a run, or nil if the run is not in the bucket or not complete there.
func (s *Store) Manifest(ctx context.Context, job, uuid string) (*Manifest, error) {
	object, err := s.stat(ctx, s.run(job, uuid)+manifestName)
	if err != nil || object == nil {
		return nil, err
	}
	return s.read(ctx, object)
}

// read reads a manifest.
func (s *Store) read(ctx context.Context, object *storage.Object) (*Manifest, error) {
	if object.Size > maxManifest {
		return nil, fmt.Errorf("%s has %d bytes: it is no manifest", object.Address(), object.Size)
	}
	var text bytes.Buffer
	if err := s.client.Download(ctx, object, 0, &text); err != nil {
		return nil, err
	}
	crc := storage.NewCRC32C()
	_, _ = crc.Write(text.Bytes())
	if want, known := object.CRC32C(); known && want != crc.Sum32() {
		return nil, &storage.ChecksumError{Object: object.Address()}
	}
	m := &Manifest{}
	if err := json.Unmarshal(text.Bytes(), m); err != nil {
		return nil, fmt.Errorf("%s is no manifest: %w", object.Address(), err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s is no manifest of this version of slipway: %w", object.Address(), err)
	}
	if m.Project != s.Config.Project || s.run(m.Job, m.Run)+manifestName != object.Name {
		return nil, fmt.Errorf("%s is the manifest of another run: project %q, job %q, run %q", object.Address(), m.Project, m.Job, m.Run)
	}
	return m, nil
}

// check returns an error for what no manifest of slipway has. Who may write to the bucket may have written it.
func (m *Manifest) check() error {
	if m.Version != 1 {
		return fmt.Errorf("its version is %d", m.Version)
	}
	total := int64(0)
	for _, f := range m.Files {
		if f.Bytes < 0 || f.Bytes > math.MaxInt64-total {
			return fmt.Errorf("%q has an impossible size", f.Path)
		}
		if total += f.Bytes; !fs.ValidPath(f.Path) || f.Path == "." || f.Path == manifestName {
			return fmt.Errorf("%q is not the path of a file of a run", f.Path)
		}
	}
	return nil
}
