package gke

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/source"
)

// NotFoundError reports that a cluster does not exist.
type NotFoundError struct {
	Cluster Reference
	// Near are the clusters that may be meant: those with the same name elsewhere, or the one
	// with the most similar name. Others are the names of all, if none is near.
	Near, Others []Reference
	Err          error
}

// maxNamed is the maximum number of clusters that an error names.
const maxNamed = 5

// Error implements error.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("there is no cluster %s in %s of project %s", e.Cluster.Name, e.Cluster.Location, e.Cluster.Project)
	switch {
	case len(e.Near) > 0:
		return text + ": did you mean " + names(e.Near, "or") + "?"
	case len(e.Others) > 0:
		return text + ": the project has " + names(e.Others, "and")
	}
	return text
}

// Unwrap returns the refusal.
func (e *NotFoundError) Unwrap() error { return e.Err }

// names lists clusters of one project, with word before the last one.
func names(all []Reference, word string) string {
	var texts []string
	for i, one := range all {
		if i == maxNamed {
			texts = append(texts, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		texts = append(texts, one.Name+" in "+one.Location)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " " + word + " " + texts[len(texts)-1]
}

// missing explains why a cluster was not found, if that is why the request failed. It lists
// the clusters of the project, if it may.
func (f *Finder) missing(ctx context.Context, ref Reference, err error) error {
	refused := new(google.APIError)
	if !errors.As(err, &refused) || refused.Code != http.StatusNotFound {
		return err
	}
	none := &NotFoundError{Cluster: ref, Err: err}
	var list struct {
		Clusters []cluster `json:"clusters"`
	}
	if f.container().Get(ctx, "v1/projects/"+ref.Project+"/locations/-/clusters", nil, &list) != nil {
		return none
	}
	var similar []string
	for _, c := range list.Clusters {
		one := Reference{ref.Project, c.Location, c.Name}
		none.Others = append(none.Others, one)
		similar = append(similar, c.Name)
		if c.Name == ref.Name {
			none.Near = append(none.Near, one)
		}
	}
	if nearest, ok := source.Nearest(ref.Name, similar); ok && len(none.Near) == 0 {
		for _, one := range none.Others {
			if one.Name == nearest {
				none.Near = append(none.Near, one)
			}
		}
	}
	// Those in the place that was asked for come first.
	elsewhere := slices.DeleteFunc(slices.Clone(none.Near), func(one Reference) bool { return one.Location == ref.Location })
	none.Near = append(slices.DeleteFunc(none.Near, func(one Reference) bool { return one.Location != ref.Location }), elsewhere...)
	return none
}

// NotReadyError reports that a cluster cannot be used now.
type NotReadyError struct {
	Cluster Reference
	// Status is GKE's name of the state, such as PROVISIONING, and Detail its explanation.
	Status, Detail string
}

// Error implements error.
func (e *NotReadyError) Error() string {
	text := map[string]string{
		"PROVISIONING": "is still being created: wait until it is running",
		"CREATING":     "is still being registered: wait some minutes",
		"STOPPING":     "is being deleted",
		"DELETING":     "is being removed",
		"ERROR":        "is in an error state, and GKE will delete it",
	}[e.Status]
	if text == "" {
		text = "cannot be used"
	}
	if e.Detail != "" {
		return fmt.Sprintf("%s %s (%s: %s)", e.Cluster, text, e.Status, e.Detail)
	}
	return fmt.Sprintf("%s %s (%s)", e.Cluster, text, e.Status)
}

// ready returns a *NotReadyError if a cluster cannot be used now. One that is being upgraded
// or repaired can.
func (c *cluster) ready(ref Reference) error {
	if !slices.Contains([]string{"PROVISIONING", "STOPPING", "ERROR"}, c.Status) {
		return nil
	}
	return &NotReadyError{Cluster: ref, Status: c.Status, Detail: c.why()}
}

// NoMembershipError reports that a cluster is not a member of a fleet.
type NoMembershipError struct {
	Cluster Reference
	// Fleet is the project of the fleet.
	Fleet string
}

// Error implements error.
func (e *NoMembershipError) Error() string {
	return fmt.Sprintf("%s is not a member of the fleet of project %s, so that the connect gateway does not reach it: register it, name the project of its fleet, or use another endpoint",
		e.Cluster, e.Fleet)
}
