package transfer

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/storage"
)

// Cat writes the content of an object to w, and compares its checksum. What the object's Content-Encoding says is
// compressed by gzip is decompressed, as by programs that ask for it over HTTP.
func Cat(ctx context.Context, client *storage.Client, at Place, w io.Writer) error {
	object, err := client.Stat(ctx, at.Bucket, at.Prefix)
	if storage.Is(err, 404) {
		return missingObject(ctx, client, at, err)
	}
	if err != nil {
		return Explain(ctx, client, err, at)
	}
	crc := storage.NewCRC32C()
	download := func(w io.Writer) error {
		return client.Download(ctx, object, 0, io.MultiWriter(w, crc))
	}
	if object.Encoding == "gzip" {
		if err = decompress(download, w); err != nil {
			err = fmt.Errorf("decompress %s: %w", object.Address(), err)
		}
	} else {
		err = download(w)
	}
	if err != nil {
		return err
	}
	if want, known := object.CRC32C(); known && want != crc.Sum32() {
		return &storage.ChecksumError{Object: object.Address()}
	}
	return nil
}

// decompress writes to w what download writes compressed by gzip.
func decompress(download func(io.Writer) error, w io.Writer) error {
	compressed, into := io.Pipe()
	var group panics.WaitGroup
	group.Go(func() { _ = into.CloseWithError(download(into)) })
	content, err := gzip.NewReader(compressed)
	if err == nil {
		_, err = io.Copy(w, content) //nolint:gosec // G110: it is not kept
	}
	_ = compressed.CloseWithError(err)
	group.Wait()
	return err
}
