package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/slipway-ci/slipway/internal/panics"
)

// digest returns what identifies the files of From: their names, sizes and checksums. An object without a
// checksum, as some other servers have them, is identified by its generation.
func (j *job) digest(ctx context.Context, names []string) (string, error) {
	lines := make([]string, len(names))
	group, hashing := panics.WithContext(ctx)
	group.SetLimit(4)
	for n, name := range names {
		group.Go(func() error {
			from := j.from[name]
			if from.object != nil {
				lines[n] = fmt.Sprint("generation ", from.object.Generation)
				if sum, known := from.object.CRC32C(); known {
					lines[n] = fmt.Sprint(sum)
				}
				return nil
			}
			sum, err := j.fromSums.of(hashing, j.fromRoot, name, from.info)
			lines[n] = fmt.Sprint(sum)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	h := sha256.New()
	for n, name := range names {
		fmt.Fprintf(h, "%q %d %s\n", name, j.from[name].size, lines[n])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
