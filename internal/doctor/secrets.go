package doctor

import (
	"context"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/project"
)

// lookAtSecrets reads all secret sources of slipway.yaml. Their values go nowhere.
func lookAtSecrets(ctx context.Context, p *project.Project, f *findings) {
	_ = p.ReadRemote(ctx) // all at once, and once; the errors of each come back below
	places := p.Config.SourceKeys()
	read := 0
	for _, from := range slices.Sorted(maps.Keys(places)) {
		if _, err := p.Resolve(ctx, from, places[from]...); err != nil {
			f.fail(from, err, "")
			continue
		}
		read++
	}
	if read > 0 {
		f.ok("sources", "%d of %d can be read", read, len(places))
	}
}
