package deploy

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// planOnly plans steps instead of applying them, in a workflow that gets no secrets, and reports
// what is left out.
func (d *Deployment) planOnly(ctx context.Context, steps []Step, result *report.Result) error {
	if err := d.plan(ctx, steps, result); err != nil {
		return err
	}
	result.LeftOut = &report.LeftOut{Why: d.NoSecrets, What: leftOut(result), Changes: true}
	return nil
}

// leftOut returns what was planned, and not done. An image whose digest is not known is not
// built either.
func leftOut(r *report.Result) (all []string) {
	var pushed, built, secrets, claims, sets, jobs, manifests, served []string
	for _, i := range r.Images {
		if i.Reference == "" || i.Digest == "" {
			built = append(built, i.Name)
		} else {
			pushed = append(pushed, i.Name)
		}
	}
	for _, s := range r.Secrets {
		secrets = append(secrets, s.Name)
	}
	for _, v := range r.Volumes {
		claims = append(claims, v.Claim)
	}
	for _, s := range r.Data {
		sets = append(sets, s.Name)
	}
	for _, j := range r.Jobs {
		jobs = append(jobs, j.Name)
	}
	for _, m := range r.Manifests {
		manifests = append(manifests, m.Kind+" "+m.Name)
	}
	for _, s := range r.Served {
		served = append(served, s.Name)
	}
	for _, one := range []struct {
		what  string
		names []string
	}{
		{"build and push", built}, {"push", pushed}, {"sync the secrets", secrets}, {"look up the volume claim", claims}, {"copy the data", sets}, {"submit", jobs}, {"apply", manifests}, {"serve", served},
	} {
		if len(one.names) > 0 {
			all = append(all, one.what+" "+strings.Join(one.names, ", "))
		}
	}
	return all
}
