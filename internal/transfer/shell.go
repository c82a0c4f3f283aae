package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/state"
)

// Shell runs scripts of sh where a volume is mounted that this machine does not have. The scripts need tar, find,
// stat, sha256sum and readlink, as coreutils and busybox have them.
type Shell interface {
	// Name identifies the volume.
	Name() string
	// Run runs a script. in may be nil. The error has what the script printed to its standard error.
	Run(ctx context.Context, script string, in io.Reader, out io.Writer) error
}

// ByShell reports whether the place is in a volume that only a Shell reaches.
func (p Place) ByShell() bool { return p.Shell != nil }

// quoted returns text as one word of sh.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// statFormat is the format of stat that is read by readStat: the mode, the size, the inode, and when the content and
// the file last changed.
const statFormat = `%f %s %i %y|%z`

// preamble begins each script. A script reads all of its input also if it fails: what nobody reads in a pod can keep
// the end of the script from being told. It says failed before, if the variable sends is set, so that no more is sent.
const preamble = `trap 'e=$?; [ -z "$sends" ] || echo failed; cat >/dev/null; exit $e' EXIT
export LC_ALL=C TZ=UTC0 F='` + statFormat + `'
umask 022
fail() { echo "$*" >&2; exit 1; }
inside() { case "$(pwd -P)/" in "$v"/*) ;; *) echo outside; exit 0;; esac; }
for t in tar find stat sha256sum readlink; do command -v $t >/dev/null || fail "the image has no $t: name another by volume.image"; done
`

// begin returns the beginning of a script, which changes to the directory of the place. The script prints ok, or ends
// with a word that enter understands. A link that a job made does not lead out of the volume.
func (p Place) begin(create bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%scd -P -- %s && v=$(pwd -P) || exit\n", preamble, quoted(p.Volume))
	if p.Dir != "." {
		for part := range strings.SplitSeq(p.Dir, "/") {
			if create {
				fmt.Fprintf(&b, "[ -d ./%[1]s ] || mkdir ./%[1]s 2>/dev/null || [ -d ./%[1]s ] || mkdir ./%[1]s || exit\n", quoted(part))
			}
			fmt.Fprintf(&b, "[ -e ./%[1]s ] || { echo absent; exit 0; }\n[ -d ./%[1]s ] || { echo file; exit 0; }\ncd -P -- ./%[1]s && inside || exit\n", quoted(part))
		}
	}
	b.WriteString("root=$(pwd -P)\necho ok\n")
	return b.String()
}

// run runs a script in the directory of the place, and returns what it prints. The error is fs.ErrNotExist if
// the directory is not there. in may be nil.
func (p Place) run(ctx context.Context, create bool, script string, in io.Reader) (string, error) {
	out := &bounded{}
	if err := p.Shell.Run(ctx, p.begin(create)+script, in, out); err != nil {
		return "", fmt.Errorf("%s: %w", p.Text, err)
	}
	return p.enter(out.String())
}

// enter returns what follows the first line of a script's output, which says whether the directory could be entered.
func (p Place) enter(text string) (string, error) {
	word, rest, _ := strings.Cut(text, "\n")
	switch word {
	case "ok":
		return rest, nil
	case "absent":
		return "", fs.ErrNotExist
	case "outside":
		return "", &NameError{p.Text, "is a link that leads out of the volume"}
	case "file":
		return "", &NameError{p.Text, "is not a directory of the volume"}
	}
	return "", fmt.Errorf("%s: the shell of the volume answers %q", p.Text, word)
}

// runLong is run for a script that may be too long for an argument.
func (p Place) runLong(ctx context.Context, script string) (string, error) {
	out := &bounded{}
	if err := p.Shell.Run(ctx, "exec sh -s", strings.NewReader(p.begin(false)+script+"exit 0\n"), out); err != nil {
		return "", fmt.Errorf("%s: %w", p.Text, err)
	}
	return p.enter(out.String())
}

// maxOutput bounds what a script prints, in bytes: the list of a million files.
const maxOutput = 256 << 20

// bounded keeps what is written, up to maxOutput.
type bounded struct{ text bytes.Buffer }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > maxOutput {
		return 0, errors.New("the volume has too many files for one sync: copy parts of it")
	}
	return b.text.Write(p)
}

// String returns what was written.
func (b *bounded) String() string { return b.text.String() }

// shellInfo is what stat says about a file.
type shellInfo struct {
	// text is what stat printed.
	text string
	name string
	kind uint64 // the type and the mode, as the system numbers them
	sum  sum    // without a checksum
}

// The types of files in shellInfo.kind.
const (
	kindMask = 0o170000
	kindFile = 0o100000
	kindLink = 0o120000
)

// Name implements fs.FileInfo.
func (i *shellInfo) Name() string { return path.Base(i.name) }

// Size implements fs.FileInfo.
func (i *shellInfo) Size() int64 { return i.sum.Size }

// Mode implements fs.FileInfo.
func (i *shellInfo) Mode() fs.FileMode { return fs.FileMode(i.kind) & fs.ModePerm }

// ModTime implements fs.FileInfo.
func (i *shellInfo) ModTime() time.Time { return time.Unix(0, i.sum.Modified) }

// IsDir implements fs.FileInfo.
func (i *shellInfo) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (i *shellInfo) Sys() any { return nil }

// readStat reads what stat prints in statFormat.
func readStat(text, name string) (*shellInfo, error) {
	i := &shellInfo{text: text, name: name}
	fail := fmt.Errorf("stat in the volume prints %q", text)
	fields := strings.SplitN(text, " ", 4)
	if len(fields) != 4 {
		return nil, fail
	}
	modified, changed, _ := strings.Cut(fields[3], "|")
	var errs [5]error
	i.kind, errs[0] = strconv.ParseUint(fields[0], 16, 64)
	i.sum.Size, errs[1] = strconv.ParseInt(fields[1], 10, 64)
	i.sum.Inode, errs[2] = strconv.ParseUint(fields[2], 10, 64)
	i.sum.Modified, errs[3] = readTime(modified)
	i.sum.Changed, errs[4] = readTime(changed)
	if errors.Join(errs[:]...) != nil {
		return nil, fail
	}
	return i, nil
}

// readTime reads a time of stat, such as "2026-01-02 03:04:05.678901234 +0000", in nanoseconds. Some versions of
// busybox write neither the fraction nor the zone.
func readTime(text string) (int64, error) {
	at, err := time.Parse(time.DateTime, strings.TrimSuffix(text, " +0000"))
	return at.UnixNano(), err
}

// statePath is the directory of slipway in the volume, as scripts write it.
const statePath = `"$v/` + state.Name + `"`
