package transfer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/storage"
)

// putScript follows the beginning of a script. It unpacks an archive into a directory of its own, compares the
// checksums, and runs the script place of the archive, which gives the files their names. Both come last in the
// archive, so that nothing is placed from an archive that is not complete.
const putScript = `set -e
[ ! -L ` + statePath + ` ]
mkdir -p ` + statePath + `
s=` + statePath + `/"$id"
mkdir "$s"
trap 'e=$?; cd "$v"; rm -rf "$s"; [ -z "$sends" ] || echo failed; cat >/dev/null; exit $e' EXIT
tar -xpof - -C "$s"
[ -f "$s/place" ] && [ -f "$s/sums" ]
(cd "$s" && { [ ! -s sums ] || sha256sum -c sums >/dev/null; })
d() {
[ ! -L "./$2" ] || { echo "$1 link"; exit 0; }
[ -d "./$2" ] || mkdir "./$2" 2>/dev/null || [ -d "./$2" ] || mkdir "./$2"
}
p() {
now=
if [ -e "./$2" ] || [ -L "./$2" ]; then now=$(stat -L -c "$F" "./$2" 2>/dev/null) || now=gone; fi
if [ "$now" != "$3" ]; then echo "$1 changed"; return 0; fi
mv -f "$s/$1" "./$2"
echo "$1 $(stat -c "$F" "./$2")"
}
. "$s/place"
sends=
`

// errShellEnded reports that a script ended before it had read or written everything.
var errShellEnded = errors.New("the shell of the volume ended early")

// answer keeps what a script answers, and sends it no more input once it has failed.
type answer struct {
	bounded
	input *io.PipeReader
}

// Write implements io.Writer.
func (a *answer) Write(p []byte) (int, error) {
	n, err := a.bounded.Write(p)
	if bytes.HasSuffix(a.text.Bytes(), []byte("failed\n")) {
		_ = a.input.CloseWithError(errShellEnded)
	}
	return n, err
}

// partName returns a name that no other sync uses in the state directory of the volume.
func partName() string { return "part-" + rand.Text() }

// put copies files to a place that a Shell reaches, by one archive. It sets done for those that have got their names,
// and returns the errors of single files with keepGoing.
func (j *job) put(ctx context.Context, changes []Change, done []bool) error {
	a := &archive{job: j, sums: make([]sum, len(changes)), left: make([]error, len(changes))}
	reader, writer := io.Pipe()
	out := &answer{input: reader}
	var wrote, ran error
	group, working := panics.WithContext(ctx)
	group.Go(func() error {
		wrote = a.write(working, writer, changes)
		_ = writer.Close() // what is not complete is not placed
		if errors.Is(wrote, errShellEnded) {
			return nil // the script says why
		}
		return wrote
	})
	group.Go(func() error {
		ran = j.To.Shell.Run(working, "sends=1\n"+j.To.begin(true)+"id="+partName()+"\n"+putScript, reader, out)
		_ = reader.CloseWithError(errShellEnded)
		return ran
	})
	err := group.Wait()
	text, refused := j.To.enter(out.String())
	switch {
	case wrote != nil && !errors.Is(wrote, errShellEnded):
		return wrote
	case ran != nil:
		return fmt.Errorf("%s: %w", j.To.Text, ran)
	case refused != nil:
		return refused
	case err != nil:
		return err
	}
	return j.placed(text, changes, a, done)
}

// placed reads what became of the files of an archive.
func (j *job) placed(text string, changes []Change, a *archive, done []bool) error {
	said := map[int]string{}
	for line := range strings.Lines(text) {
		number, word, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if n, err := strconv.Atoi(number); err == nil {
			said[n] = word
		}
	}
	for n, c := range changes {
		name := j.target(c.Name)
		err := a.left[n]
		switch word := said[n]; {
		case err != nil:
		case word == "link":
			return &NameError{name, "is below a link in the volume, which nothing is written through: leave it out with --exclude, or remove the link"}
		case word == "changed":
			err = &storage.ConflictError{Object: name, Err: fs.ErrExist}
		case word == "":
			return fmt.Errorf("%s: the shell of the volume does not say what became of %s", j.To.Text, name)
		default:
			info, bad := readStat(word, name)
			if bad != nil {
				return bad
			}
			info.sum.CRC32C = a.sums[n].CRC32C
			j.toSums.placed(name, info.sum)
			done[n] = true
			j.advance(0, 1)
		}
		if err := j.keepGoing(err); err != nil {
			return err
		}
	}
	return nil
}

// archive is what is sent to a Shell: the files by their numbers, so that no name is unpacked, their checksums, and
// the script that places them.
type archive struct {
	*job
	sums []sum
	// left are why files are not in the archive.
	left []error
}

func (a *archive) write(ctx context.Context, w io.Writer, changes []Change) error {
	to := tar.NewWriter(w)
	var sums, script strings.Builder
	made := map[string]bool{}
	for n, c := range changes {
		digest, err := a.add(ctx, to, n, c.Name)
		if errors.As(err, new(*ChangedError)) || errors.As(err, new(*storage.ConflictError)) {
			a.left[n] = err
			continue
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", c.Name, err)
		}
		fmt.Fprintf(&sums, "%s  %d\n", digest, n)
		name, was := a.target(c.Name), ""
		for i, char := range path.Dir(name) + "/" {
			if dir := name[:i]; char == '/' && dir != "" && path.Dir(name) != "." && !made[dir] {
				made[dir] = true
				fmt.Fprintf(&script, "d %d %s\n", n, quoted(dir))
			}
		}
		if to := a.to[c.Name]; to != nil {
			was = to.info.(*shellInfo).text //nolint:errcheck,forcetypeassert // files of a shell
		}
		fmt.Fprintf(&script, "p %d %s %s\n", n, quoted(name), quoted(was))
	}
	for _, text := range []struct{ name, text string }{{"sums", sums.String()}, {"place", script.String()}} {
		if err := to.WriteHeader(&tar.Header{Name: text.name, Mode: 0o600, Size: int64(len(text.text)), Format: tar.FormatGNU}); err != nil {
			return err
		}
		if _, err := io.WriteString(to, text.text); err != nil {
			return err
		}
	}
	return to.Close()
}

// add adds a file, and returns its SHA-256. A file that changes meanwhile is padded, and is a *ChangedError.
func (a *archive) add(ctx context.Context, to *tar.Writer, n int, name string) (digest string, err error) {
	from := a.from[name]
	header := &tar.Header{Name: strconv.Itoa(n), Size: from.size, Format: tar.FormatGNU}
	var content *os.File
	if from.object != nil {
		is := propertiesOf(from.object, 0)
		header.Mode, header.ModTime = int64(is.mode), is.modified
		if is.modified.IsZero() {
			header.ModTime = time.Now()
		}
	} else {
		header.Mode, header.ModTime = int64(from.info.Mode().Perm()|0o600), from.info.ModTime()
		if content, err = openListed(a.fromRoot, name); err != nil {
			return "", err
		}
		defer content.Close()
	}
	header.ModTime = header.ModTime.Truncate(time.Second)
	if err := to.WriteHeader(header); err != nil {
		return "", err
	}
	w := &entry{to: to, left: from.size, crc: storage.NewCRC32C(), sha: sha256.New(), add: func(n int64) { a.advance(n, 0) }}
	if from.object != nil {
		err = a.Client.Download(ctx, from.object, 0, w)
		if want, known := from.object.CRC32C(); err == nil && known && want != w.crc.Sum32() {
			err = &storage.ChecksumError{Object: from.object.Address()}
		}
	} else if _, err = io.CopyBuffer(w, contextio.NewReader(ctx, content), make([]byte, 128<<10)); err == nil {
		now, statErr := content.Stat()
		if statErr != nil {
			return "", statErr
		}
		if w.left != 0 || w.over || stampOf(now) != stampOf(from.info) {
			err = &ChangedError{name}
		}
	}
	if err != nil {
		return "", errors.Join(err, w.pad())
	}
	a.sums[n].CRC32C = w.crc.Sum32()
	return hex.EncodeToString(w.sha.Sum(nil)), nil
}

// entry writes the content of one file of an archive.
type entry struct {
	to   *tar.Writer
	left int64
	// over reports whether more was written than the file had when it was listed.
	over bool
	crc  hash.Hash32
	sha  hash.Hash
	add  func(int64)
}

// Write implements io.Writer.
func (e *entry) Write(p []byte) (int, error) {
	all := len(p)
	if int64(all) > e.left {
		e.over, p = true, p[:e.left]
	}
	n, err := e.to.Write(p)
	e.left -= int64(n)
	_, _ = e.crc.Write(p[:n])
	_, _ = e.sha.Write(p[:n])
	e.add(int64(n))
	if err == nil {
		n = all
	}
	return n, err
}

// pad fills what is missing with zeros.
func (e *entry) pad() error {
	zeros := make([]byte, 64<<10)
	for e.left > 0 {
		n, err := e.to.Write(zeros[:min(e.left, int64(len(zeros)))])
		if err != nil {
			return err
		}
		e.left -= int64(n)
	}
	return nil
}
