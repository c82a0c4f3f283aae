package cluster

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/util/version"
)

// reviewStreams corrects the verdicts on streams to pods (exec, attach and port-forward). A stream
// by SPDY is a POST, which takes the right to create. One by WebSocket is a GET, which takes the
// right to get, and from Kubernetes 1.35 on the right to create, too. So in the releases between,
// who may only get has a stream as well.
func (c *Cluster) reviewStreams(ctx context.Context, rights []Right, verdicts []Verdict) error {
	var denied, toGet []Right
	for i, r := range rights {
		if r.isStream() && r.Verb == "create" && verdicts[i] == Denied {
			denied = append(denied, r)
			r.Verb = "get"
			toGet = append(toGet, r.forAll())
		}
	}
	if len(denied) == 0 {
		return nil
	}
	release, err := c.Version(ctx)
	if err != nil || !takesGet(release) {
		return err
	}
	known := map[Right]Verdict{}
	if err := c.reviewEach(ctx, toGet, known, Right.forAll); err != nil {
		return err
	}
	for i, r := range rights {
		if at := slices.Index(denied, r); at >= 0 && known[toGet[at]] == Allowed {
			verdicts[i] = Allowed
		}
	}
	return nil
}

func (r Right) isStream() bool {
	return r.Resource == "pods" && slices.Contains([]string{"exec", "attach", "portforward"}, r.Subresource)
}

// takesGet reports whether a release of Kubernetes opens streams by WebSocket, and asks for no more
// than the right to get (its feature gates PortForwardWebsockets and
// AuthorizePodWebsocketUpgradeCreatePermission).
func takesGet(release string) bool {
	v, err := version.ParseGeneric(release)
	return err == nil && v.AtLeast(version.MajorMinor(1, 31)) && v.LessThan(version.MajorMinor(1, 35))
}
