// Package secretmanager reads secrets of Google's Secret Manager.
package secretmanager

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Name names a version of a secret.
type Name struct {
	Project string
	// Location is the region of a regional secret, such as europe-west4, or "".
	Location string
	Secret   string
	// Version is a number, an alias, or "latest".
	Version string
}

// Latest is the version that was added last, which may be disabled.
const Latest = "latest"

// form matches projects/P/secrets/S and projects/P/locations/L/secrets/S, each also with
// /versions/V. The location becomes a part of a host's name.
var form = lazyregexp.New(`^projects/([a-z0-9][a-z0-9.:-]*)(?:/locations/([a-z][a-z0-9-]{0,61}[a-z0-9]))?/secrets/([A-Za-z0-9_-]{1,255})(?:/versions/([A-Za-z0-9_-]{1,63}))?$`)

// Parse parses projects/P/secrets/S, whose version is the latest, or
// projects/P/secrets/S/versions/V. Of a regional secret, it begins with projects/P/locations/L.
func Parse(text string) (Name, error) {
	m := form.FindStringSubmatch(text)
	if m == nil {
		return Name{}, fmt.Errorf("%q does not name a secret: write projects/PROJECT/secrets/SECRET or projects/PROJECT/secrets/SECRET/versions/VERSION, and /locations/REGION after the project of a regional one", text)
	}
	name := Name{Project: m[1], Location: m[2], Secret: m[3], Version: m[4]}
	if name.Version == "" {
		name.Version = Latest
	}
	return name, nil
}

// String returns the name as Google writes it.
func (n Name) String() string { return n.secret() + "/versions/" + n.Version }

// secret returns the name of the secret.
func (n Name) secret() string { return n.parent() + "/secrets/" + n.Secret }

// parent returns the name of what has the secret: a project, or a region of it.
func (n Name) parent() string {
	if n.Location == "" {
		return "projects/" + n.Project
	}
	return "projects/" + n.Project + "/locations/" + n.Location
}

// where returns what has the secret, in words.
func (n Name) where() string {
	if n.Location == "" {
		return "project " + n.Project
	}
	return "region " + n.Location + " of project " + n.Project
}
