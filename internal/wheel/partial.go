package wheel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/source"
)

// partial is a file that is being downloaded.
type partial struct {
	name     string
	size     int64
	progress func(n, of int64)
	n, last  int64
	resumed  bool
	sum      hash.Hash
	file     *os.File
}

// fetch downloads the file from its beginning, and returns its SHA-256 in hexadecimal.
func (p *partial) fetch(ctx context.Context, from *remote, address string) (sum string, err error) {
	if p.file, err = os.Create(p.name); err != nil {
		return "", fmt.Errorf("create the download directory: %w", err)
	}
	defer func() { err = errors.Join(err, p.file.Close()) }()
	p.resumed = false
	if err := p.restart(); err != nil {
		return "", err
	}
	if !strings.Contains(address, "://") { // a path on this machine
		file, err := source.Open(nil, address)
		if err != nil {
			return "", err
		}
		defer file.Close()
		_, err = io.Copy(p, contextio.NewReader(ctx, file))
		return hex.EncodeToString(p.sum.Sum(nil)), err
	}
	if err = p.get(ctx, from, address); p.n > 0 && isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		if err = p.restart(); err == nil {
			err = p.get(ctx, from, address)
		}
	}
	return hex.EncodeToString(p.sum.Sum(nil)), err
}

func (p *partial) get(ctx context.Context, from *remote, address string) error {
	index := "the index " + masked(address)
	return from.get(ctx, address, func(r *http.Request) {
		r.Header.Set("Accept-Encoding", "identity")
		if p.n > 0 {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.n))
		}
	}, func(response *http.Response) error {
		switch {
		case response.StatusCode != http.StatusPartialContent:
			if err := p.restart(); err != nil {
				return err
			}
		case strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", p.n)):
			p.resumed = true
		default:
			return &requestError{reason: index + " returned the wrong byte range", hint: "run it again", final: true}
		}
		_, err := io.Copy(p, response.Body)
		if err == nil && p.n < p.size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || errors.As(err, new(*writeError)) {
			return err
		}
		return transportError(index+" sent an incomplete response", err)
	})
}

func isStatus(err error, status int) bool {
	refused := (*requestError)(nil)
	return errors.As(err, &refused) && refused.status == status
}

// restart discards what was downloaded, to begin again.
func (p *partial) restart() error {
	p.n, p.last, p.sum = 0, 0, sha256.New()
	_, err := p.file.Seek(0, io.SeekStart)
	if err := errors.Join(err, p.file.Truncate(0)); err != nil {
		return fmt.Errorf("write a package to the cache: %w", err)
	}
	return nil
}

// writeError is a failure to write the file.
type writeError struct{ error }

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	_, _ = p.sum.Write(b[:n])
	p.n += int64(n)
	if p.n-p.last >= progressInterval {
		p.last = p.n
		p.progress(p.n, p.size)
	}
	if err != nil {
		return n, &writeError{fmt.Errorf("write a package to the cache: %w", err)}
	}
	return n, nil
}
