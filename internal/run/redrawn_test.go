package run

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// chunks is a log that arrives in pieces.
type chunks []string

func (c *chunks) Read(b []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*c)[0])
	*c = (*c)[1:]
	return n, nil
}

// TestRedrawnStates checks that the state of a progress bar in a pod's log is known
// before its line ends.
func TestRedrawnStates(t *testing.T) {
	states := []struct{ chunk, want string }{
		{"2026-11-26T10:00:00.123456789Z reading\n2026-11-26T10:00:01Z  10%|#", ""},
		{"  \r", " 10%|#"},
		{" 20%|##\r 30%|###\r", " 30%|###"},
		{" 40%|####", " 40%|####"},
		{strings.Repeat("\r"+strings.Repeat("#", 100), 100), strings.Repeat("#", 100)},
		{"\rdone\n2026-11-26T10:00:02Z next", ""},
		{" line\n", ""},
	}
	var log chunks
	for _, s := range states {
		log = append(log, s.chunk)
	}
	var state atomic.Pointer[string]
	u := &redrawReader{Reader: &log, state: &state}
	for n, s := range states {
		if _, err := u.Read(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		got := ""
		if now := state.Load(); now != nil {
			got = strings.TrimRight(lastState(trimTimestamp(*now)), " ")
		}
		if got != s.want {
			t.Errorf("chunk %d: the state is %q, want %q", n, got, s.want)
		}
		if len(u.line) > maxState {
			t.Errorf("chunk %d: %d bytes are kept", n, len(u.line))
		}
	}
}
