package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// sha256Key is the metadata of an object that has its SHA-256. An object with it is complete.
const sha256Key = "slipway-sha256"

// file copies one file of the run, unless the bucket has it. The files of a run that has ended do not
// change, unless it is resumed, so that one of the same size and end is the same.
func (k *keeping) file(ctx context.Context, f run.File) (*storage.Object, error) {
	there := k.there[f.Path]
	if there != nil && there.Size == f.Size && there.Metadata[sha256Key] != "" && isOf(there, k.ended) {
		k.advance(f.Size, 0)
		return there, nil
	}
	staged, err := k.stage(ctx, f)
	if err != nil {
		return nil, err
	}
	defer staged.close()
	u := storage.Upload{
		Bucket: k.at.Bucket, Name: k.prefix + f.Path, Content: staged, Size: f.Size, CRC32C: staged.crc32c,
		Metadata: map[string]string{sha256Key: staged.sha256, endedKey: endOf(k.ended)}, Sent: func(n int64) { k.advance(n, 0) },
	}
	if there != nil {
		u.Generation = there.Generation
	}
	object, err := transfer.Upload(ctx, k.client, k.cacheDir(), u)
	if err == nil && object.Metadata[sha256Key] != staged.sha256 { // another program's, with the same content
		same := *object
		same.Metadata = u.Metadata
		return &same, nil
	}
	return object, err
}

// staged is a file of a run on this machine, until it is in the bucket. Cloud Storage needs the checksum before
// the content, and a broken upload the content again.
type staged struct {
	*os.File
	sha256 string
	crc32c uint32
}

// close removes the file.
func (s *staged) close() {
	_ = s.File.Close()
	_ = os.Remove(s.Name())
}

// stage downloads a file. It tries again if the connection breaks.
func (k *keeping) stage(ctx context.Context, f run.File) (s *staged, err error) {
	err = run.Download(ctx, k.Pause, func() error {
		s, err = k.download(ctx, f)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return s, nil
}

func (k *keeping) download(ctx context.Context, f run.File) (*staged, error) {
	body, err := k.Polyaxon.Artifact(ctx, polyaxon.Artifact{Namespace: k.target.Namespace, Project: k.target.Project, UUID: k.target.UUID, Path: f.Path})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	dir := state.Dir(k.Config.Dir, "cache", "artifacts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // where the system lets it, so that nothing stays when the process is killed
	s := &staged{File: file}
	sum, crc := sha256.New(), storage.NewCRC32C()
	n, err := io.CopyBuffer(io.MultiWriter(file, sum, crc), contextio.NewReader(ctx, run.Sized(body, f.Size)), make([]byte, 128<<10))
	if err == nil && n != f.Size {
		err = fmt.Errorf("size mismatch: received %d bytes, but the server lists %d", n, f.Size)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.sha256, s.crc32c = hex.EncodeToString(sum.Sum(nil)), crc.Sum32()
	return s, nil
}
