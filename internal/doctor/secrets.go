package doctor

import (
	"context"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/secret"
)

// lookAtSecrets reads all secret sources of slipway.yaml. Their values go nowhere.
func lookAtSecrets(ctx context.Context, v *visit, f *findings) {
	_ = v.ReadRemote(ctx) // all at once, and once; the errors of each come back below
	places := v.Config.SourceKeys()
	read, hidden := 0, 0
	for _, text := range slices.Sorted(maps.Keys(places)) {
		_, err := v.Resolve(ctx, text, places[text]...)
		from, _ := secret.ParseSource(text) // Resolve returns its error
		switch {
		case err == nil:
			read++
		case from.IsRemote() && hidden > 0, from.IsRemote() && needsToken(v, f, "remote sources", "Secret Manager keeps them"):
			hidden++
		default:
			f.fail(text, err, "")
		}
	}
	if read > 0 {
		f.ok("sources", "%d of %d can be read", read, len(places))
	}
}
