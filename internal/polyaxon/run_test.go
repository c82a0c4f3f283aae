package polyaxon

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestRunIDs reads runs of a server that sends something else than UUIDs.
func TestRunIDs(t *testing.T) {
	for id, valid := range map[string]bool{
		"":                                     true, // lists of some servers have none
		"0123456789abcdef0123456789abcdef":     true,
		"01234567-89ab-cdef-0123-456789abcdef": true,
		"--privileged":                         false,
		"../../other/runs/a":                   false,
		"a,status:succeeded":                   false,
		"a' or tags.x = 'y":                    false,
		"a\nENV TOKEN=x":                       false,
		"$(id)":                                false,
		"a\x1b[2J":                             false,
		"é":                                    false,
		strings.Repeat("a", 65):                false,
	} {
		text, err := json.Marshal(map[string]string{"uuid": id})
		if err != nil {
			t.Fatal(err)
		}
		r := &Run{}
		if err := json.Unmarshal(text, r); (err == nil) != valid || valid && r.UUID != id || !valid && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %q, %v", id, r.UUID, err)
		}
	}
}
