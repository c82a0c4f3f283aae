package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// downloadTries is how often the download of a file is tried, and downloadPause is the time between
	// two tries.
	downloadTries = 4
	downloadPause = time.Second
)

// Download calls download, which downloads a file of a run, up to 4 times until it succeeds, with pauses of
// 1 s. What Polyaxon has answered is final. It returns the last error, or that of pause, which is the
// context's.
func Download(ctx context.Context, pause func(context.Context, time.Duration) error, download func() error) error {
	for n := 1; ; n++ {
		err := download()
		if err == nil {
			return nil
		}
		if answered := new(polyaxon.Error); n == downloadTries || ctx.Err() != nil || errors.As(err, &answered) {
			return err
		}
		if err := pause(ctx, downloadPause); err != nil {
			return err
		}
	}
}

// Sized returns a reader of a file that a server lists with a size, in bytes. It fails if more comes, so that no
// server and no file that still grows fills the disk.
func Sized(content io.Reader, size int64) io.Reader {
	return bounded.NewReader(content, max(size, 0), fmt.Errorf("size mismatch: received more than the %d bytes that the server lists", size))
}
