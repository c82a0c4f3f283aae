package wheel

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestHostileMetadata reads metadata files that are made so that they take as much time or memory as they can. What
// is four times as large must not take much more than four times the memory: it would take sixteen times of it, and
// of the time, if each line were joined to all before.
func TestHostileMetadata(t *testing.T) {
	numbered := func(format string, size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, read := range map[string]func(size int){
		"a field of many lines": func(size int) { parseMetadata("Name: a\n" + strings.Repeat(" x\n", size/3)) },
		"many licenses":         func(size int) { parseMetadata(numbered("Classifier: License :: %d\n", size)) },
		"many commands": func(size int) {
			if _, err := parseEntryPoints("[console_scripts]\n" + numbered("a%d=b:c\n", size)); err != nil {
				t.Error(err)
			}
		},
		"a requirement of many lines": func(size int) {
			lines := splitLines("a.txt", "a==1 "+strings.Repeat("\\\n", size/8)+strings.Repeat("--hash=sha256:"+strings.Repeat("0", 64)+" \\\n", size/160)+"\n")
			if r, err := parseRequirement(lines[0]); err != nil || len(r.hashes) != size/160 {
				t.Errorf("%d hashes, %v", len(r.hashes), err)
			}
		},
		"a RECORD of short lines": func(size int) {
			if _, err := parseRecord(strings.Repeat(",\n", size/2)); err != nil {
				t.Error(err)
			}
		},
		"a RECORD of one line": func(size int) {
			if _, err := parseRecord(strings.Repeat(",", size)); err != nil {
				t.Error(err)
			}
		},
	} {
		allocated := func(size int) uint64 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			read(size)
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc
		}
		const size = 64 << 10
		if small, large := allocated(size), allocated(4*size); large > 8*small+1<<20 {
			t.Errorf("%s: %d KiB for %d KiB, and %d KiB for four times as much", name, small>>10, size>>10, large>>10)
		}
	}
}
