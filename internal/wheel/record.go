package wheel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/contextio"
)

// noteSums sets the hash of each file to the one in RECORD. The file is compared with it
// when it is read for another purpose, so that it is not read twice. A file that RECORD
// does not list, or lists without a hash, is accepted as it is, as pip does: the hash in
// the lock covers the whole wheel.
func (a *archive) noteSums(ctx context.Context) error {
	text, err := a.text(a.info + "/RECORD")
	if err != nil {
		return err
	}
	records, err := parseRecord(text)
	if err != nil {
		return err
	}
	for _, e := range a.entries {
		algorithm, digest, _ := strings.Cut(records[e.name], "=")
		if algorithm != "sha256" {
			if err := e.read(ctx, algorithm, digest); err != nil {
				return err
			}
			continue
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(digest, "="))
		if err != nil || len(raw) != sha256.Size {
			return e.hashMismatch()
		}
		e.sum = hex.EncodeToString(raw)
	}
	return nil
}

// hashMismatch returns the error for a file whose hash differs from that in RECORD.
func (e *entry) hashMismatch() error {
	return fmt.Errorf("%s does not match its hash in RECORD", e.name)
}

// recordHash returns a SHA-256 in the notation of RECORD.
func recordHash(sum []byte) string { return "sha256=" + base64.RawURLEncoding.EncodeToString(sum) }

// read reads a file to compute its SHA-256. If RECORD has another kind of hash for the
// file, read compares the content with that.
func (e *entry) read(ctx context.Context, algorithm, digest string) error {
	own := sha256.New()
	writer := io.Writer(own)
	var other hash.Hash
	switch algorithm {
	case "":
	case "sha384":
		other = sha512.New384()
	case "sha512":
		other = sha512.New()
	default: // the format forbids md5 and sha1
		return fmt.Errorf("RECORD has a hash of %s that is not SHA-256, -384 or -512", e.name)
	}
	if other != nil {
		writer = io.MultiWriter(own, other)
	}
	r, err := e.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(writer, contextio.NewReader(ctx, r))
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if other != nil && base64.RawURLEncoding.EncodeToString(other.Sum(nil)) != strings.TrimRight(digest, "=") {
		return e.hashMismatch()
	}
	e.sum = hex.EncodeToString(own.Sum(nil))
	return nil
}

// parseRecord returns the hashes in a RECORD by path.
func parseRecord(text string) (map[string]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.LazyQuotes, r.ReuseRecord = true, true
	records := map[string]string{}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return records, nil
		case err != nil:
			return nil, fmt.Errorf("RECORD is not valid: %w", err)
		case len(row) < 2:
			return nil, fmt.Errorf("RECORD has a line of %d fields instead of 3", len(row))
		}
		records[strings.ReplaceAll(row[0], `\`, "/")] = row[1] // some wheels were made on Windows
	}
}

// installed is a line of the RECORD of an installed package.
type installed struct {
	path, hash string
	size       int64
}

// writeRecord returns the text of a RECORD, in which RECORD itself has no hash.
func writeRecord(lines []installed) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	for _, l := range lines {
		size := ""
		if l.hash != "" {
			size = strconv.FormatInt(l.size, 10)
		}
		_ = w.Write([]string{l.path, l.hash, size}) // Write to a bytes.Buffer never fails
	}
	w.Flush()
	return text.Bytes()
}
