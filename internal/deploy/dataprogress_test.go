package deploy

import (
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestEstimate checks what is said to be left of a copy of 1,000 bytes: of one that begins, of one that goes on with
// 500 bytes that were there, and of one that was replaced by another after its pod was lost.
func TestEstimate(t *testing.T) {
	var now time.Time
	type step struct {
		seconds           int
		bytes, kept, over int64
		want              string
	}
	for name, steps := range map[string][]step{
		"begins":   {{0, 0, 0, 1000, ""}, {1, 100, 0, 1000, ""}, {10, 250, 0, 1000, "about 30s left"}, {20, 500, 0, 1000, "about 20s left"}, {40, 1000, 0, 1000, ""}},
		"goes on":  {{0, 500, 500, 1000, ""}, {10, 500, 500, 1000, ""}, {20, 600, 500, 1000, "about 1m20s left"}, {30, 850, 700, 1000, "about 30s left"}},
		"replaced": {{0, 0, 0, 1000, ""}, {10, 500, 0, 1000, "about 10s left"}, {100, 100, 0, 600, ""}, {110, 200, 0, 600, "about 40s left"}},
	} {
		p := &pace{now: func() time.Time { return now }}
		for _, s := range steps {
			now = time.Unix(int64(s.seconds), 0)
			if got := p.left(transfer.Progress{Bytes: s.bytes, Kept: s.kept, BytesTotal: s.over}); got != s.want {
				t.Errorf("%s: after %d s and %d bytes %q, want %q", name, s.seconds, s.bytes, got, s.want)
			}
		}
	}
}
