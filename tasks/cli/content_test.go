package cli

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/secret"
)

// TestContent writes content that acts on a terminal and on a runner.
func TestContent(t *testing.T) {
	const text = "a\x1b]0;title\x07 canary-7\x00\xff\n::set-env name=x::y\n"
	for name, test := range map[string]struct {
		terminal, runner bool
		want             string
	}{
		"a pipe":     {want: "a\x1b]0;title\x07 ***\x00\xff\n::set-env name=x::y\n"},
		"a terminal": {terminal: true, want: `a\x1b]0;title\x07 ***\x00\xff` + "\n:\u200b:set-env name=x::y\n"},
		"a runner":   {runner: true, want: "a\x1b]0;title\x07 ***\x00\xff\n:"},
	} {
		var b strings.Builder
		masker := secret.NewMasker()
		masker.Learn([]byte("canary-7"), true)
		s := &streams{secrets: masker, out: masker.Writer(&b), err: masker.Writer(io.Discard), terminal: test.terminal, runner: test.runner}
		if _, err := io.WriteString(s.content(s.out), text); errors.Is(err, actions.ErrCommand) != test.runner {
			t.Errorf("%s: %v", name, err)
		}
		s.close()
		if b.String() != test.want {
			t.Errorf("%s: %q, want %q", name, b.String(), test.want)
		}
	}
}
