package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/status"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtCluster finds out whether the API server answers, knows the user, and lets the user
// do what a deploy does.
func lookAtCluster(ctx context.Context, v *visit, f *findings) {
	p := v.Project
	found, err := v.reach()
	switch {
	case err != nil && p.Config.Cluster.GKE != nil && needsToken(v, f, "access", "Google knows where it is"):
		return
	case errors.As(err, new(*accessError)):
		f.fail("access", err, advice(err, "cluster"))
		return
	case err != nil:
		if unreachable := new(cluster.UnreachableError); errors.As(err, &unreachable) {
			f.add(report.CheckFailed, "server", unreachable.Reason(), unreachable.Advice(), err)
			return
		}
		f.fail("server", err, adviceOfCluster(p, err))
		return
	}
	to := found.Platform
	f.ok("server", "Kubernetes %s, %s", found.version, to.Cluster.Name)
	var group panics.WaitGroup
	user := ""
	group.Go(func() { user = lookAtUser(ctx, to, f) })
	group.Go(func() { lookAtNamespace(v, to, f) })
	var needs []platform.Need
	var verdicts []cluster.Verdict
	var unread error
	group.Go(func() {
		needs = status.Needs(ctx, to)
		asked := make([]cluster.Right, len(needs))
		for i, n := range needs {
			asked[i] = n.Right
		}
		verdicts, unread = to.Cluster.Review(ctx, asked)
	})
	group.Wait()
	switch {
	case apierrors.IsForbidden(unread):
		f.hide("rights", "what you may do in the cluster is not known", "have an administrator let you create selfsubjectaccessreviews.authorization.k8s.io")
	case unread != nil:
		f.fail("rights", unread, adviceOfCluster(p, unread))
	default:
		reportRights(to, user, needs, verdicts, f)
	}
}

// lookAtUser returns the name by which the cluster knows the user, or "".
func lookAtUser(ctx context.Context, to *platform.Platform, f *findings) string {
	user, _, err := to.Cluster.Identity(ctx)
	switch {
	case apierrors.IsNotFound(err):
		f.hide("identity", "this server does not tell who you are", "Kubernetes 1.28 and newer do")
	case apierrors.IsForbidden(err):
		f.hide("identity", "who you are is not known", "have an administrator let you create selfsubjectreviews.authentication.k8s.io")
	case err != nil:
		f.fail("identity", err, adviceOfCluster(to.Project, err))
	default:
		f.ok("identity", "you are %s", user)
	}
	return user
}

// lookAtNamespace finds out whether the namespace exists.
func lookAtNamespace(v *visit, to *platform.Platform, f *findings) {
	switch err := v.namespace(); {
	case err != nil:
		f.fail("namespace", err, adviceOfCluster(to.Project, err))
	case to.NamespaceToCreate != "":
		f.ok("namespace", "%s does not exist yet: deploy creates it", to.RunNamespace)
	default:
		f.ok("namespace", "%s", to.RunNamespace)
	}
}

// adviceOfCluster is advice for errors of the API server.
func adviceOfCluster(p *project.Project, err error) string {
	if statusOf(err) != http.StatusUnauthorized {
		return advice(err, "cluster")
	}
	if cfg := p.Config.Cluster; cfg.GKE != nil {
		return "the cluster does not accept the access token of Google Cloud: see the check google, and the clock of this machine"
	}
	return "the token or the certificate of the kubeconfig has expired or is wrong: log in to the cluster again, and see kubectl auth whoami"
}

// errRights is the cause of an exit code: rights that a deploy needs are missing.
var errRights = errors.New("rights are missing in the cluster")

// reportRights reports which rights are missing, with a Role that has all of them.
func reportRights(to *platform.Platform, user string, needs []platform.Need, verdicts []cluster.Verdict, f *findings) {
	var lacking, unknown []platform.Need
	for i, n := range needs {
		switch verdicts[i] {
		case cluster.Denied:
			lacking = append(lacking, n)
		case cluster.Unknown:
			unknown = append(unknown, n)
		case cluster.Allowed:
		}
	}
	needed := slices.DeleteFunc(slices.Clone(lacking), func(n platform.Need) bool { return n.Optional })
	useful := slices.DeleteFunc(slices.Clone(lacking), func(n platform.Need) bool { return !n.Optional })
	const advice = "have an administrator apply the objects below: slipway doctor -o json | jq -r '.checks[].manifest // empty' | kubectl apply -f -"
	if len(needed) > 0 {
		f.add(report.CheckFailed, "rights", "you may not "+summary(needed), advice, errRights)
	}
	if len(useful) > 0 {
		f.warn("rights", "you may not, and a deploy works without: "+summary(useful), advice)
	}
	if len(unknown) > 0 {
		f.hide("rights", "it is not known whether you may "+summary(unknown), "have an administrator let you create selfsubjectaccessreviews.authorization.k8s.io")
	}
	switch {
	case len(lacking) > 0:
		f.attach(manifestOf(to, user, needs, lacking))
	case len(unknown) == 0:
		f.ok("rights", "you may do all that a deploy does (%d rights)", len(needs))
	}
}

// summary lists needs, those for the same purpose together.
func summary(needs []platform.Need) string {
	var purposes []string
	verbs := map[string][]string{}
	for _, n := range needs {
		if verbs[n.For] == nil {
			purposes = append(purposes, n.For)
		}
		verbs[n.For] = append(verbs[n.For], n.Verb+" "+n.Object()+named(n))
	}
	for i, purpose := range purposes {
		slices.Sort(verbs[purpose])
		purposes[i] = fmt.Sprintf("%s (%s)", strings.Join(slices.Compact(verbs[purpose]), ", "), purpose)
	}
	return strings.Join(purposes, ", ")
}

// named returns the name of the object that a need is for, in quotes, or "".
func named(n platform.Need) string {
	if n.Name == "" {
		return ""
	}
	return fmt.Sprintf(" %q", n.Name)
}
