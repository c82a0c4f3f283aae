package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestRunsOfJobsCannotUseTheUsersImages submits runs as a job, with images that only the user
// may pull.
func TestRunsOfJobsCannotUseTheUsersImages(t *testing.T) {
	s := serve(t, nil, func(context.Context, string) (v1.Image, error) { return nil, errors.New("not here") })
	s.executor.options.Public = func(_ context.Context, image string) error {
		if strings.HasPrefix(image, "public.test/") {
			return nil
		}
		return errors.New("401 Unauthorized")
	}
	operation := func(image string) record {
		return record{Project: "p", RawContent: fmt.Sprintf(`{"version": 1.1, "kind": "operation", "component": {"version": 1.1, "kind": "component", "run": {"kind": "job",
			"init": [{"container": {"image": %q, "command": ["/a"]}}], "container": {"image": "public.test/a", "command": ["/a"]}}}}`, image)}
	}
	job := operation("private.test/own")
	for image, allowed := range map[string]bool{"public.test/b": true, "private.test/own": true, "private.test/other": false} {
		for _, submitter := range []*record{nil, &job} {
			r := operation(image)
			if submitter != nil {
				r.Grants = s.executor.grants(submitter)
			}
			_, pod, err := s.executor.resolve(&r)
			if err != nil {
				t.Fatal(err)
			}
			err = s.executor.mayUse(t.Context(), &r, pod)
			if want := allowed || submitter == nil; (err == nil) != want || err != nil && !strings.Contains(err.Error(), "image private.test/other is not allowed") || err != nil && !strings.Contains(err.Error(), "(401 Unauthorized)") {
				t.Errorf("%s, submitted by a job: %t: %v", image, submitter != nil, err)
			}
		}
	}
}
