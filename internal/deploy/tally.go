package deploy

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// tally counts what is done to objects of Kubernetes.
type tally struct{ created, updated, unchanged, pruned, left int }

func tallySecrets(changes []secret.Change) (t tally) {
	for _, c := range changes {
		t.add(report.Action(c.Action))
	}
	return t
}

func tallyManifests(changes []manifest.Change) (t tally) {
	for _, c := range changes {
		t.add(report.Action(c.Action))
	}
	return t
}

// add counts an action. Secrets and manifests have the same actions.
func (t *tally) add(action report.Action) {
	switch action {
	case report.ActionCreate:
		t.created++
	case report.ActionUpdate, report.ActionReplace:
		t.updated++
	case report.ActionPrune:
		t.pruned++
	case report.ActionLeft:
		t.left++
	default:
		t.unchanged++
	}
}

// changed returns how many objects change.
func (t tally) changed() int { return t.created + t.updated + t.pruned }

// String returns the counts in words.
func (t tally) String() string {
	text := fmt.Sprintf("%d created, %d updated, %d unchanged, %d pruned", t.created, t.updated, t.unchanged, t.pruned)
	if t.changed() == 0 {
		text = fmt.Sprintf("up to date: %d", t.unchanged)
	}
	if t.left > 0 {
		text += fmt.Sprintf(", %d left", t.left)
	}
	return text
}
