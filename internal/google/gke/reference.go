// Package gke finds a cluster of Google Kubernetes Engine and how to reach it: its address,
// its certificate authority and the tokens for it, in at most two requests.
package gke

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Reference names a cluster.
type Reference struct{ Project, Location, Name string }

// String returns the cluster's name in Google's APIs.
func (r Reference) String() string {
	return fmt.Sprintf("projects/%s/locations/%s/clusters/%s", r.Project, r.Location, r.Name)
}

// Context returns the name that gcloud gives the cluster in a kubeconfig.
func (r Reference) Context() string {
	return fmt.Sprintf("gke_%s_%s_%s", r.Project, r.Location, r.Name)
}

var (
	projectName  = lazyregexp.New(`^(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{0,62}$`)
	locationName = lazyregexp.New(`^[a-z]+-[a-z]+[0-9]+(-[a-z])?$`)
	clusterName  = lazyregexp.New(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
)

// Check says what is wrong with the names, before a request is sent.
func (r Reference) Check() error {
	switch {
	case !projectName.MatchString(r.Project):
		return fmt.Errorf("%q is not the id of a project", r.Project)
	case !locationName.MatchString(r.Location):
		return fmt.Errorf("%q is not a region, such as europe-west4, or a zone, such as europe-west4-a", r.Location)
	case !clusterName.MatchString(r.Name):
		return fmt.Errorf("%q is not the name of a cluster: it has up to 40 lowercase letters, digits and hyphens", r.Name)
	}
	return nil
}
