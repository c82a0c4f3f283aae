package rollout

import "github.com/slipway-ci/slipway/internal/lazyregexp"

// advices say what to do about a pod. The first one whose pattern matches "REASON: MESSAGE" holds.
// In text, $1 stands for the submatch.
var advices = []struct {
	pattern *lazyregexp.Regexp
	text    string
}{
	{lazyregexp.New(`Insufficient ([^\s,.]+(?:\.[^\s,.]+)*)`), "no node has enough $1 free: request less, or add nodes"},
	{lazyregexp.New(`untolerated taint`), "the other nodes have a taint that the pod does not tolerate: add a toleration for it (kubectl describe nodes)"},
	{lazyregexp.New(`unbound immediate PersistentVolumeClaims`), "its claim is not bound to a volume yet: check its storage class (kubectl describe pvc)"},
	{lazyregexp.New(`(?i)persistentvolumeclaim "?([^"\s]+)"? not found`), "put the claim $1 among the manifests, or correct its name"},
	{lazyregexp.New(`InvalidImageName`), "correct the name of the image; for one of slipway.yaml, write slipway://NAME"},
	{lazyregexp.New(`(?i)(?:pull|image).*(?:unauthorized|authentication required|authorization failed|denied|forbidden|\b401\b|\b403\b)`),
		"the registry denied the cluster permission to pull it: name an imagePullSecret in the manifest and have it under secrets in slipway.yaml, or let the nodes' service account read the registry"},
	{lazyregexp.New(`(?i)(?:pull|image).*(?:not found|manifest unknown|name unknown|\b404\b)`),
		"the image was not found in the registry: correct its name and tag; for one of slipway.yaml, write slipway://NAME"},
	{lazyregexp.New(`ErrImagePull|ImagePullBackOff|ErrImageNeverPull|ImageInspectError`), "check that the image exists and that the cluster has permission to pull it"},
	{lazyregexp.New(`(?i)couldn't find key (\S+)`), "the key $1 is missing there: add it, or correct its name"},
	{lazyregexp.New(`(?i)secrets? "([^"]+)" not found`), "name the secret $1 under secrets in slipway.yaml, or correct its name in the manifest"},
	{lazyregexp.New(`(?i)configmaps? "([^"]+)" not found`), "put the config map $1 among the manifests, or correct its name"},
	{lazyregexp.New(`CrashLoopBackOff`), "the container keeps crashing after it starts: see its last lines"},
	{lazyregexp.New(`OOMKilled`), "the container needs more memory than its limit: raise the limit"},
}

// advised returns why a pod is not ready, with what to do if that is known.
func advised(reason string) string {
	for _, a := range advices {
		if at := a.pattern.FindStringSubmatchIndex(reason); at != nil {
			return reason + "; " + string(a.pattern.ExpandString(nil, a.text, reason, at))
		}
	}
	return reason
}
