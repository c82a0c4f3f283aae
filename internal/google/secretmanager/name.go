// Package secretmanager reads secrets of Google's Secret Manager.
package secretmanager

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Name names a version of a secret.
type Name struct {
	Project, Secret string
	// Version is a number, an alias, or "latest".
	Version string
}

// Latest is the version that was added last, which may be disabled.
const Latest = "latest"

// form matches projects/P/secrets/S and projects/P/secrets/S/versions/V.
var form = lazyregexp.New(`^projects/([a-z0-9][a-z0-9.:-]*)/secrets/([A-Za-z0-9_-]{1,255})(?:/versions/([A-Za-z0-9_-]{1,63}))?$`)

// Parse parses projects/P/secrets/S, whose version is the latest, or
// projects/P/secrets/S/versions/V.
func Parse(text string) (Name, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return Name{}, fmt.Errorf("%q does not name a secret: write projects/PROJECT/secrets/SECRET or projects/PROJECT/secrets/SECRET/versions/VERSION", text)
	}
	name := Name{m[1], m[2], m[3]}
	if name.Version == "" {
		name.Version = Latest
	}
	return name, nil
}

// String returns the name as Google writes it.
func (n Name) String() string {
	return fmt.Sprintf("projects/%s/secrets/%s/versions/%s", n.Project, n.Secret, n.Version)
}
