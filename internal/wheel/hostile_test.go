package wheel

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileMetadata reads metadata files of 4 MiB, each made so that it takes as much time or memory
// as it can. In time that grows with the square of the size, some would take more than ten minutes.
func TestHostileMetadata(t *testing.T) {
	const size = 4 << 20
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, read := range map[string]func(){
		"a field of many lines": func() { parseMetadata("Name: a\n" + strings.Repeat(" x\n", size/3)) },
		"many licenses":         func() { parseMetadata(numbered("Classifier: License :: %d\n")) },
		"many commands": func() {
			if _, err := parseEntryPoints("[console_scripts]\n" + numbered("a%d=b:c\n")); err != nil {
				t.Error(err)
			}
		},
		"a requirement of many lines": func() {
			lines := splitLines("a.txt", "a==1 "+strings.Repeat("\\\n", size/8)+strings.Repeat("--hash=sha256:"+strings.Repeat("0", 64)+" \\\n", size/160)+"\n")
			if r, err := parseRequirement(lines[0]); err != nil || len(r.hashes) != size/160 {
				t.Errorf("%d hashes, %v", len(r.hashes), err)
			}
		},
		"a RECORD of short lines": func() {
			if _, err := parseRecord(strings.Repeat(",\n", size/2)); err != nil {
				t.Error(err)
			}
		},
		"a RECORD of one line": func() {
			if _, err := parseRecord(strings.Repeat(",", size)); err != nil {
				t.Error(err)
			}
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		read()
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if bytes := after.TotalAlloc - before.TotalAlloc; took > 30*time.Second || bytes > 1<<30 {
			t.Errorf("%s: %s and %d MiB", name, took, bytes>>20)
		}
	}
}
