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
)

// noteSums notes the hash of each file that RECORD says: whoever reads the file finds out
// whether it has that. Nothing is read twice for it. A file that RECORD does not name, or
// without a hash, is taken as it is, as pip does: the hash of the lock covers the whole
// wheel.
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
			return e.unlike()
		}
		e.sum = hex.EncodeToString(raw)
	}
	return nil
}

// unlike is a file that has another hash than RECORD says.
func (e *entry) unlike() error { return fmt.Errorf("%s is not what RECORD says", e.name) }

// recordHash writes a SHA-256 as RECORD has it.
func recordHash(sum []byte) string { return "sha256=" + base64.RawURLEncoding.EncodeToString(sum) }

// read reads a file to learn its SHA-256, and compares it with the hash of another kind
// that RECORD has of it, if it has one.
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
	_, err = io.Copy(writer, &contextReader{ctx, r})
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if other != nil && base64.RawURLEncoding.EncodeToString(other.Sum(nil)) != strings.TrimRight(digest, "=") {
		return e.unlike()
	}
	e.sum = hex.EncodeToString(own.Sum(nil))
	return nil
}

// parseRecord gives the hashes of a RECORD by path.
func parseRecord(text string) (map[string]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("RECORD cannot be read: %w", err)
	}
	records := map[string]string{}
	for _, row := range rows {
		if len(row) < 2 {
			return nil, fmt.Errorf("RECORD has a line of %d fields instead of 3", len(row))
		}
		records[strings.ReplaceAll(row[0], `\`, "/")] = row[1] // some were made on Windows
	}
	return records, nil
}

// installed is a line of the RECORD of what is installed.
type installed struct {
	path, hash string
	size       int64
}

// writeRecord writes RECORD, which has itself without a hash.
func writeRecord(lines []installed) []byte {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	for _, l := range lines {
		size := ""
		if l.hash != "" {
			size = strconv.FormatInt(l.size, 10)
		}
		_ = w.Write([]string{l.path, l.hash, size}) // a buffer takes all
	}
	w.Flush()
	return text.Bytes()
}
