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

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
)

// verifiedSuffix ends the name of the note that a wheel was verified: the hashes
// of its files, each with its name. As the wheel's own hash is verified each time,
// what is in it need not be.
const verifiedSuffix = ".verified"

// verifiedSubject is what the codes of these notes are of, with the hash of the wheel:
// the cache is in the tree, which may have brought another note.
const verifiedSubject = "verified wheel "

// verify reads all files of the wheel and compares them with RECORD, unless that
// was done before. A file that RECORD does not name, or without a hash, is taken as
// it is, as pip does: the hash of the lock covers the whole wheel.
func (a *archive) verify(ctx context.Context, note string) error {
	if a.known(note) {
		return nil
	}
	text, err := a.text(a.info + "/RECORD")
	if err != nil {
		return err
	}
	records, err := parseRecord(text)
	if err != nil {
		return err
	}
	var kept strings.Builder
	for _, e := range a.entries {
		if err := e.verify(ctx, records[e.name]); err != nil {
			return err
		}
		fmt.Fprintf(&kept, "%s %s\n", e.sum, e.name)
	}
	code, err := machine.Code(verifiedSubject+a.sum, []byte(kept.String()))
	if err != nil {
		return nil //nolint:nilerr // it is verified again
	}
	return writeFile(note, []byte(code+"\n"+kept.String()))
}

// known reads the note.
func (a *archive) known(note string) bool {
	text, err := source.ReadFile(nil, note, maxLock)
	if err != nil {
		return false
	}
	code, list, _ := strings.Cut(string(text), "\n")
	if ok, err := machine.Proves(code, verifiedSubject+a.sum, []byte(list)); err != nil || !ok {
		return false
	}
	lines := strings.Split(list, "\n")
	if len(lines) != len(a.entries)+1 {
		return false
	}
	for n, e := range a.entries {
		sum, name, _ := strings.Cut(lines[n], " ")
		if name != e.name || !e.setSum(sum) {
			return false
		}
	}
	return true
}

// setSum notes the SHA-256 of the content.
func (e *entry) setSum(sum string) bool {
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != sha256.Size {
		return false
	}
	e.sum, e.record = sum, recordHash(raw)
	return true
}

// recordHash writes a SHA-256 as RECORD has it.
func recordHash(sum []byte) string { return "sha256=" + base64.RawURLEncoding.EncodeToString(sum) }

// verify reads the content and compares it with its hash in RECORD.
func (e *entry) verify(ctx context.Context, want string) error {
	own := sha256.New()
	writer := io.Writer(own)
	algorithm, digest, _ := strings.Cut(want, "=")
	var other hash.Hash
	switch algorithm {
	case "", "sha256":
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
	sum := own.Sum(nil)
	e.setSum(hex.EncodeToString(sum))
	if other != nil {
		sum = other.Sum(nil)
	}
	if want != "" && base64.RawURLEncoding.EncodeToString(sum) != strings.TrimRight(digest, "=") {
		return fmt.Errorf("%s is not what RECORD says", e.name)
	}
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
