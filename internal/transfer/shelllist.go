package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/state"
)

// left is what earlier syncs have left in a volume that a Shell reaches. Jobs can write it, too.
type left struct {
	// sums are the checksums of files.
	sums map[string]sum
	// now is the time when the files were listed, by the clock that the volume has.
	now time.Time
}

// listShell returns the regular files of a place that a Shell reaches, as listFiles does. Of the checksums that earlier
// syncs have left in the volume it reads one line of a file of limited size, as jobs could have put anything there.
func listShell(ctx context.Context, p Place, out excluded, skipped func(name, why string)) (files map[string]*file, was left, err error) {
	const find = `find . -type d -name ` + state.Name + ` -prune -o `
	text, err := p.run(ctx, false, `date +%s
[ -L `+statePath+` ] || find `+p.sumsPath()+` -type f -size -`+maxSums+`k -exec cat {} + 2>/dev/null | tr -d '\n'
echo
{ if `+find+`! -type d -exec stat -c "//$F|%n" {} + 2>&1 >&3 | grep -v 'No such file or directory' >&2; then exit 1; fi; } 3>&1
`, nil)
	if err != nil {
		return nil, was, err
	}
	now, text, _ := strings.Cut(text, "\n")
	seconds, err := strconv.ParseInt(now, 10, 64)
	if err != nil {
		return nil, was, fmt.Errorf("date in the volume prints %q", now)
	}
	was.now = time.Unix(seconds, 0)
	sums, text, _ := strings.Cut(text, "\n")
	if json.Unmarshal([]byte(sums), &was.sums) != nil {
		was.sums = nil // they are only a cache
	}
	files = map[string]*file{}
	links := map[string]bool{}
	if err := eachStat(text, func(info *shellInfo) error {
		no, err := out.has(info.name)
		switch {
		case err != nil || no:
			return err
		case info.kind&kindMask == kindFile:
			files[info.name] = &file{size: info.Size(), info: info}
		case info.kind&kindMask == kindLink:
			links[info.name] = true
		default:
			skipped(info.name, "it is neither a file nor a link to one")
		}
		return nil
	}); err != nil || len(links) == 0 {
		return files, was, err
	}
	text, err = p.run(ctx, false, find+`-type l -exec sh -c 'for l; do
t=$(readlink -f -- "$l") || continue
case $t in "$0"/*) [ ! -f "$t" ] || stat -L -c "//$F|%n" "$l";; esac
done' "$root" {} +
`, nil)
	if err != nil {
		return nil, was, err
	}
	err = eachStat(text, func(info *shellInfo) error {
		if links[info.name] {
			delete(links, info.name)
			files[info.name] = &file{size: info.Size(), info: info}
		}
		return nil
	})
	for _, name := range sorted(links) {
		skipped(name, "it is a link that leads to no file of this directory")
	}
	return files, was, err
}

// maxSums bounds the file with the checksums, in KiB: those of half a million files.
const maxSums = "131072"

// eachStat calls do for each file of a list. Each begins with two slashes in a new line, which no path has.
func eachStat(text string, do func(*shellInfo) error) error {
	if text == "" {
		return nil
	}
	for one := range strings.SplitSeq("\n"+strings.TrimSuffix(text, "\n"), "\n//") {
		if one == "" {
			continue
		}
		fields := strings.SplitN(one, "|", 3)
		if len(fields) != 3 {
			return fmt.Errorf("stat in the volume prints %q", one)
		}
		info, err := readStat(fields[0]+"|"+fields[1], strings.TrimPrefix(fields[2], "./"))
		if err != nil {
			return err
		}
		if err := do(info); err != nil {
			return err
		}
	}
	return nil
}

// sumsPath is the file in the volume with the checksums of the place's files, as scripts write it.
func (p Place) sumsPath() string {
	id := sha256.Sum256([]byte(p.Dir))
	return `"$v/` + state.Name + `/sums-` + hex.EncodeToString(id[:8]) + `.json"`
}

// keepSums writes the checksums of a place into the volume, so that another machine need not read its files.
func keepSums(ctx context.Context, p Place, s *sums) error {
	s.mu.Lock()
	text, err := json.Marshal(s.after)
	changed := s.changed
	s.mu.Unlock()
	if err != nil || !changed {
		return err
	}
	_, err = p.run(ctx, false, `[ ! -L `+statePath+` ] && mkdir -p `+statePath+` || exit
t=`+statePath+`/`+partName()+`
cat >"$t" && mv -f "$t" `+p.sumsPath()+"\n", strings.NewReader(string(text)))
	return err
}

// learn makes a checksum known that was computed elsewhere. It is kept as record does.
func (s *sums) learn(name string, of sum) {
	s.mu.Lock()
	s.before[name] = of
	s.mu.Unlock()
	s.record(name, of)
}

// believe makes checksums known that the volume keeps. Who can write them can also write the files, so a wrong one hides
// only what its writer has changed. What this machine has computed comes first.
func (s *sums) believe(was left, files map[string]*file) {
	if s == nil { // of a bucket
		return
	}
	for name, of := range was.sums {
		f := files[name]
		if f == nil {
			continue
		}
		if own := s.before[name]; own != withSum(f.info, own.CRC32C) {
			s.before[name] = of
		}
	}
	if !was.now.IsZero() {
		s.now = func() time.Time { return was.now }
	}
}
