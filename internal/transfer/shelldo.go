package transfer

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/slipway-ci/slipway/internal/storage"
)

// A Shell copies files in batches, because each script takes a tenth of a second to begin. A batch that breaks is
// done again by the next sync, so it has a bound: in files, and in bytes unless it is one file.
const (
	batchFiles    = 1000
	batchBytes    = 64 << 20
	parallelShell = 4
)

// parallel returns how many batches are copied at once.
func (j *job) parallel() int {
	if j.From.ByShell() || j.To.ByShell() {
		return parallelShell
	}
	return parallel
}

// batches returns the ranges of changes that are done together, between two of them.
func (j *job) batches(changes []Change, from, to int) (all [][2]int) {
	files, limit := 1, int64(0)
	if j.From.ByShell() || j.To.ByShell() {
		files, limit = batchFiles, batchBytes
	}
	for from < to {
		end, bytes := from+1, changes[from].Bytes
		for end < to && end-from < files && bytes+changes[end].Bytes <= limit {
			bytes += changes[end].Bytes
			end++
		}
		all = append(all, [2]int{from, end})
		from = end
	}
	return all
}

// hashShells computes the checksums that the comparison needs of places that a Shell reaches.
func (j *job) hashShells(ctx context.Context) error {
	if j.From.ByShell() {
		return j.hashShell(ctx, j.From, j.from, j.fromSums)
	}
	if j.To.ByShell() {
		return j.hashShell(ctx, j.To, j.to, j.toSums)
	}
	return nil
}

// removeByShell deletes files of a place that a Shell reaches, if they are still what was listed.
func (j *job) removeByShell(ctx context.Context, changes []Change, done []bool) error {
	var script strings.Builder
	script.WriteString(`r() { if [ "$(stat -L -c "$F" "./$1" 2>/dev/null)" = "$2" ]; then rm -f "./$1" && echo ok || exit; else echo changed; fi; }` + "\n")
	for _, c := range changes {
		fmt.Fprintf(&script, "r %s %s\n", quoted(c.Name), quoted(j.to[c.Name].info.(*shellInfo).text)) //nolint:errcheck,forcetypeassert // files of a shell
	}
	text, err := j.To.runLong(ctx, script.String())
	if err != nil {
		return err
	}
	said := strings.Fields(text)
	for n, c := range changes {
		if n >= len(said) {
			return fmt.Errorf("%s: the shell of the volume does not say what became of %s", j.To.Text, c.Name)
		}
		if done[n] = said[n] == "ok"; done[n] {
			continue
		}
		if err := j.keepGoing(&storage.ConflictError{Object: c.Name, Err: fs.ErrExist}); err != nil {
			return err
		}
	}
	return nil
}

// cleanShell removes what syncs have left that were killed. The parts of one that goes on are younger.
func cleanShell(ctx context.Context, p Place) error {
	_, err := p.run(ctx, false, `[ ! -L `+statePath+` ] && [ -d `+statePath+` ] || exit 0
for part in `+statePath+`/part-*; do
[ ! -e "$part" ] || [ -n "$(find "$part" -mmin -60)" ] || rm -rf "$part"
done
`, nil)
	return err
}
