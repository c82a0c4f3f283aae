package deploy

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// tally counts what is done to objects of Kubernetes.
type tally struct{ created, updated, unchanged, pruned int }

func tallySecrets(changes []secret.Change) (t tally) {
	for _, c := range changes {
		t.add(string(c.Action))
	}
	return t
}

func tallyManifests(changes []manifest.Change) (t tally) {
	for _, c := range changes {
		t.add(string(c.Action))
	}
	return t
}

// add counts an action. Secrets and manifests have the same actions.
func (t *tally) add(action string) {
	switch action {
	case string(secret.Create):
		t.created++
	case string(secret.Update):
		t.updated++
	case string(secret.Prune):
		t.pruned++
	default:
		t.unchanged++
	}
}

// changed returns how many objects change.
func (t tally) changed() int { return t.created + t.updated + t.pruned }

// String returns the counts in words.
func (t tally) String() string {
	if t.changed() == 0 {
		return fmt.Sprintf("up to date: %d", t.unchanged)
	}
	return fmt.Sprintf("%d created, %d updated, %d unchanged, %d pruned", t.created, t.updated, t.unchanged, t.pruned)
}
