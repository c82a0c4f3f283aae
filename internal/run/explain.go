package run

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/logline"
)

// maxMessage is the maximum length of a message, in bytes.
const maxMessage = 400

// advice says what to do about messages that match a pattern. In text, $1 and so on stand
// for the submatches.
type advice struct {
	pattern *lazyregexp.Regexp
	text    string
}

// advices are matched in order against "REASON: MESSAGE". The patterns are for the
// messages of Kubernetes 1.2x and 1.3x, of container runtimes and of registries.
var advices = []advice{
	{lazyregexp.New(`exceeded quota: ([^,\s]+)`),
		"the namespace's quota $1 is used up: wait until other runs end, request less, or have the quota raised"},
	{lazyregexp.New(`Insufficient (\S*(?:gpu|tpu|mig-)[^\s,.]*)`),
		"no node has enough $1 free: wait until other runs end, lower jobs.NAME.gpu in slipway.yaml, or add such nodes"},
	{lazyregexp.New(`(?i)persistentvolumeclaim "?([^"\s]+)"? not found`),
		"create the claim $1 in the run's namespace, or correct its name in the Polyaxonfile"},
	{lazyregexp.New(`unbound immediate PersistentVolumeClaims`),
		"its claim is not bound to a volume yet: check its storage class and events (kubectl describe pvc)"},
	{lazyregexp.New(`Insufficient ([^\s,.]+(?:\.[^\s,.]+)*)`),
		"no node has enough $1 free: request less in the container's resources, wait until other runs end, or add nodes"},
	{lazyregexp.New(`didn't match Pod's node.*untolerated taint|untolerated taint.*didn't match Pod's node`),
		"some nodes have a taint that the pod does not tolerate, and the others do not match the node selector or affinity: add a toleration for it to environment.tolerations, " +
			"or correct environment.nodeSelector or affinity (kubectl describe nodes)"},
	{lazyregexp.New(`untolerated taint\(?s?\)? \{([^:}]+)[^}]*\}`),
		"the remaining nodes have a taint that the pod does not tolerate: add a toleration for $1 to environment.tolerations (gpu: N in slipway.yaml adds that of GPUs)"},
	{lazyregexp.New(`untolerated taint`), // newer schedulers do not name the taint
		"the remaining nodes have a taint that the pod does not tolerate: add a toleration for it to environment.tolerations (kubectl describe nodes; gpu: N in slipway.yaml adds that of GPUs)"},
	{lazyregexp.New(`didn't match Pod's node (?:affinity|selector)|node\(s\) didn't match`),
		"no node matches environment.nodeSelector or affinity (kubectl get nodes --show-labels)"},
	{lazyregexp.New(`Too many pods`), "the nodes have reached their maximum number of pods: wait until other runs end, or add nodes"},
	{lazyregexp.New(`no nodes available`), "the cluster has no node that is ready"},

	{lazyregexp.New(`(?i)no match for platform`), "the image is built for another platform than the node's: name images.NAME.platforms in slipway.yaml"},
	{lazyregexp.New(`image pull secrets \(([^)\s]+)\)`),
		"name the secret $1 under secrets in slipway.yaml and run slipway secrets sync, or correct environment.imagePullSecrets"},
	{lazyregexp.New(`InvalidImageName`), "the image name is invalid: correct it"},
	{lazyregexp.New(`(?i)(?:pull|registry).*(?:unauthorized|authentication required|authorization failed|denied|forbidden|no basic auth|\b401\b|\b403\b)`),
		"the registry denied the cluster permission to pull it: name an imagePullSecret in environment.imagePullSecrets and have it under secrets in slipway.yaml, " +
			"or let the nodes' service account read the registry; registries report a repository that does not exist in the same way"},
	{lazyregexp.New(`(?i)(?:pull|registry).*(?:not found|manifest unknown|name unknown|\b404\b)`),
		"the image was not found in the registry: correct its name and tag, or push it (slipway build)"},
	{lazyregexp.New(`(?i)(?:pull|registry).*(?:toomanyrequests|too many requests|\b429\b)`),
		"the registry's rate limit is reached: wait, or pull with an account of your own (environment.imagePullSecrets)"},
	{lazyregexp.New(`(?i)(?:pull|registry).*(?:no such host|dial tcp|i/o timeout|connection refused|certificate|http response to https)`),
		"the nodes cannot reach the registry: check its name and the cluster's network and certificates"},
	{lazyregexp.New(`(?i)no space left on device`), "the node's disk is full: use a smaller image, or nodes with more"},
	{lazyregexp.New(`ErrImagePull|ImagePullBackOff|Failed to pull image|ErrImageNeverPull|ImageInspectError`), "check that the image exists and that the cluster has permission to pull it"},

	{lazyregexp.New(`(?i)(?:couldn't find key|references non-existent (?:secret|config) key:?) (\S+)(?: in (?:secret|configmap) (\S+))?`),
		"the key $1 is missing there: add it (secrets in slipway.yaml; slipway secrets sync), or correct its name"},
	{lazyregexp.New(`(?i)secrets? "([^"]+)" not found`),
		"name the secret $1 under secrets in slipway.yaml and run slipway secrets sync, or correct its name in the Polyaxonfile"},
	{lazyregexp.New(`(?i)configmaps? "([^"]+)" not found`),
		"create the config map $1 in the run's namespace, or correct its name in the Polyaxonfile"},
	{lazyregexp.New(`(?i)serviceaccounts? "([^"]+)" not found`),
		"create the service account $1 in the run's namespace, or correct environment.serviceAccountName"},
	{lazyregexp.New(`Multi-Attach error`), "its volume is attached to another node: wait until the run that uses it ends, or use a ReadWriteMany volume"},
	{lazyregexp.New(`violates PodSecurity`), "the namespace's Pod Security Standard forbids it: give the container the securityContext that it requires"},
	{lazyregexp.New(`FailedMount|FailedAttachVolume`), "check the volume that it names (kubectl describe pod)"},
	{lazyregexp.New(`FailedCreatePodSandBox`), "the node cannot set up the pod's network: check the node"},
	{lazyregexp.New(`(?:StartError|RunContainerError|CreateContainerError|CannotStartContainer).*`), "the container cannot be started: check its command and args"},
	{lazyregexp.New(`CreateContainerConfigError`), "the container names something that does not exist: check its env and volumes"},
	{lazyregexp.New(`CrashLoopBackOff`), "the container keeps crashing right after it starts: see its last lines (slipway logs RUN)"},
	{lazyregexp.New(`Unschedulable|FailedScheduling|FailedCreate`), "check what the cluster has (kubectl get nodes, kubectl describe pod)"},
}

// explain returns what a reason and a message mean and what to do, in one line. It
// returns "" if no advice matches.
func explain(reason, message string) string {
	message = unwrapped(message)
	text := reason + ": " + message
	for _, a := range advices {
		found := a.pattern.FindStringSubmatchIndex(text)
		if found == nil {
			continue
		}
		todo := string(a.pattern.ExpandString(nil, a.text, text, found))
		said := brief(message)
		if said == "" {
			said = reason
		}
		return said + "; " + todo
	}
	return ""
}

// brief returns the beginning of a message, in one line.
func brief(message string) string {
	message = strings.Join(strings.Fields(logline.Sanitize(message)), " ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return strings.TrimSuffix(message, ".")
}
