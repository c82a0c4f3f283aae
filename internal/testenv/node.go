package testenv

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// PodImage is an image on the node, with the program in the directory pod.
const PodImage = "slipway.test/pod:1"

const (
	// nodeAddress is the address of the node in its own network namespace. nodeServer is the
	// address of the API server there.
	nodeAddress = "10.88.77.1"
	nodeServer  = nodeAddress + ":6443"
	// cniPlugins is the directory of Debian's CNI plugins.
	cniPlugins = "/usr/lib/cni"
)

// Node starts a whole cluster: a control plane, and one node with containerd and a
// kubelet, which really runs pods. The kubelet checks logs every 3 s and rotates those of
// more than 512 KiB. Node returns an administrator's access, and the directory of the
// pods' logs. All processes are in their own network, mount and process namespaces and
// are stopped when the test ends. The machine's network is not changed. Node needs root,
// and the programs that `go run mage.go test` installs.
func Node(t testing.TB) (access *rest.Config, logs string) {
	t.Helper()
	n, access := startNode(t)
	return access, n.path("pods")
}

func startNode(t testing.TB) (n *node, access *rest.Config) {
	t.Helper()
	binary := component(t, "kubetest (Kubernetes)", "kubetest")
	needNode(t)
	n = &node{TB: t, dir: shortDir(t)}
	n.hold()
	n.output(binary, "pki", "-dir", n.path("pki"), "-server", "https://"+nodeServer, "-ips", "127.0.0.1,10.96.0.1,"+nodeAddress, "-node", "node")
	n.file("containerd.toml", containerdConfig)
	n.file("cni/net.d/10-bridge.conflist", bridgeConfig)
	n.file("kubelet.yaml", kubeletConfig)

	n.start("etcd", binary, "etcd", "-data-dir", n.path("etcd"), "-client", "http://127.0.0.1:2379", "-peer", "http://127.0.0.1:2380")
	n.start("containerd", "containerd", "-c", n.path("containerd.toml"))
	server := n.start("kube-apiserver", append([]string{binary, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=" + nodeAddress, "--advertise-address=" + nodeAddress, "--secure-port=6443",
		"--kubelet-certificate-authority=" + n.path("pki/ca.crt"), "--kubelet-client-certificate=" + n.path("pki/apiserver-kubelet.crt"),
		"--kubelet-client-key=" + n.path("pki/apiserver-kubelet.key"), "--kubelet-preferred-address-types=InternalIP",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction"}, serverFlags(n.path("pki"))...)...)
	n.start("relay", binary, "relay", "-listen", n.path("api.sock"), "-to", nodeServer)
	n.image()
	access = n.access()
	client, err := rest.HTTPClientFor(access)
	if err != nil {
		t.Fatal(err)
	}
	await(t, server, time.Minute, client, access.Host+"/readyz", nil)
	n.start("kube-controller-manager", binary, "kube-controller-manager", "--kubeconfig="+n.path("pki/kcm.kubeconfig"), "--leader-elect=false",
		"--service-account-private-key-file="+n.path("pki/sa.key"), "--root-ca-file="+n.path("pki/ca.crt"), "--use-service-account-credentials=true",
		"--bind-address=127.0.0.1", "--cert-dir="+n.path("kcm"))
	n.start("kube-scheduler", binary, "kube-scheduler", "--kubeconfig="+n.path("pki/scheduler.kubeconfig"), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--cert-dir="+n.path("scheduler"))
	kubelet := n.start("kubelet", binary, "kubelet", "--config="+n.path("kubelet.yaml"), "--kubeconfig="+n.path("pki/kubelet.kubeconfig"),
		"--root-dir="+n.path("kubelet"), "--cert-dir="+n.path("kubelet/pki"), "--hostname-override=node", "--node-ip="+nodeAddress)
	t.Cleanup(n.close)
	await(t, kubelet, 2*time.Minute, client, access.Host+"/api/v1/nodes/node", []byte(`"reason":"KubeletReady"`))
	await(t, kubelet, time.Minute, client, access.Host+"/api/v1/namespaces/default/serviceaccounts/default", nil)
	return n, access
}

// needNode skips the test if this machine cannot run a node.
func needNode(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "a Kubernetes node, which takes root,")
	}
	for _, program := range []string{"containerd", "ctr", "runc", "ip", "unshare", "nsenter", filepath.Join(cniPlugins, "bridge")} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" (for a Kubernetes node)")
		}
	}
}

// node is a cluster while it is started.
type node struct {
	testing.TB
	dir string
	// enter is the command line that runs a program in the node's namespaces.
	enter []string
}

func (n *node) path(name string) string { return filepath.Join(n.dir, filepath.FromSlash(name)) }

// file writes a file of the node. DIR in text is replaced by the node's directory.
func (n *node) file(name, text string) {
	n.Helper()
	if err := os.MkdirAll(filepath.Dir(n.path(name)), 0o755); err != nil {
		n.Fatal(err)
	}
	if err := os.WriteFile(n.path(name), []byte(strings.ReplaceAll(text, "DIR", n.dir)), 0o600); err != nil {
		n.Fatal(err)
	}
}

func (n *node) output(name string, args ...string) string {
	n.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		n.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// start runs a program in the node's namespaces until the test ends, and returns the path
// of its log.
func (n *node) start(name string, argv ...string) string {
	n.Helper()
	argv = append(n.enter[1:len(n.enter):len(n.enter)], argv...)
	return start(n.TB, n.dir, name, os.Environ(), n.enter[0], argv...)
}

// holder is a script that sets up the namespaces and keeps them alive. Directories that
// containerd and the kubelet write to, and that cannot be configured, are replaced by the
// node's own. Settings of the machine that a kubelet changes are replaced by files with
// the values it wants, so that the real ones are not changed.
const holder = `set -e
for d in /run /var/log /var/lib; do mount -t tmpfs tmpfs $d; done
mkdir -p /run/containerd /var/log/containers /var/lib/kubelet /var/lib/cni
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$(mktemp -p /run); echo ${setting#*=} >$file; mount --bind $file /proc/sys/${setting%=*}
done
ip link set lo up
ip link add kt0 type bridge
ip addr add ADDRESS/24 dev kt0
ip link set kt0 up
touch DIR/ready
exec sleep infinity`

// hold creates the namespaces. All processes in them, including containers, end when the
// first process of the process namespace is killed, which happens before any other
// cleanup.
func (n *node) hold() {
	n.Helper()
	n.file("ready.sh", strings.ReplaceAll(holder, "ADDRESS", nodeAddress))
	command, log := launch(n.TB, n.dir, "holder", os.Environ(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", n.path("ready.sh"))
	until(n.TB, log, 20*time.Second, "the node's network", func() bool { _, err := os.Stat(n.path("ready")); return err == nil })
	process := command.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", process, process))
	if err != nil {
		n.Fatal(err)
	}
	first := strings.TrimSpace(string(children))
	n.enter = []string{"nsenter", "--target=" + first, "--net", "--mount", "--pid", "--"}
}

// close kills all processes of the node, and removes its control groups from the machine.
func (n *node) close() {
	first, err := strconv.Atoi(strings.TrimPrefix(n.enter[1], "--target="))
	if err != nil {
		return
	}
	if process, err := os.FindProcess(first); err == nil {
		_ = process.Kill()
	}
	tasks, _ := filepath.Glob(n.path("containerd/state/io.containerd.runtime.v2.task/k8s.io/*"))
	for _, task := range tasks {
		for _, pattern := range []string{"/sys/fs/cgroup/*/k8s.io/", "/sys/fs/cgroup/k8s.io/"} {
			groups, _ := filepath.Glob(pattern + filepath.Base(task))
			for _, group := range groups {
				for range 50 { // its processes are ending
					if os.Remove(group) == nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		}
	}
}

// access returns an administrator's access. It goes through a port on loopback that is
// relayed to the Unix socket of the node's API server.
func (n *node) access() *rest.Config {
	n.Helper()
	access, err := clientcmd.BuildConfigFromFlags("", n.path("pki/admin.kubeconfig"))
	if err != nil {
		n.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { _ = listener.Close() })
	go relay(listener, "unix", n.path("api.sock"))
	access.Host, access.QPS = "https://"+listener.Addr().String(), -1
	return access
}

// relay relays the connections of a listener to an address until the listener is closed.
func relay(listener net.Listener, network, address string) {
	for {
		local, err := listener.Accept()
		if err != nil {
			return
		}
		go splice(local, network, address)
	}
}

// splice relays a connection to an address until either side closes it.
func splice(local net.Conn, network, address string) {
	remote, err := net.Dial(network, address)
	if err != nil {
		_ = local.Close()
		return
	}
	go func() { _, _ = io.Copy(remote, local); _ = remote.Close() }()
	_, _ = io.Copy(local, remote)
	_ = local.Close()
}

const containerdConfig = `version = 2
root = "DIR/containerd/root"
state = "DIR/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "DIR/containerd.sock"
[ttrpc]
  address = "DIR/containerd.sock.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "DIR/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "slipway.test/pause:1"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "` + cniPlugins + `"
    conf_dir = "DIR/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

const bridgeConfig = `{"cniVersion": "1.0.0", "name": "node", "plugins": [{"type": "bridge", "bridge": "kt0", "isGateway": false, "ipMasq": false,
  "ipam": {"type": "host-local", "dataDir": "DIR/cni/ipam", "ranges": [[{"subnet": "10.88.77.0/24", "rangeStart": "10.88.77.10", "gateway": "10.88.77.1"}]],
  "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

// kubeletConfig makes the kubelet leave the machine's control groups and settings
// unchanged.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ` + nodeAddress + `
port: 10250
healthzPort: 0
readOnlyPort: 0
tlsCertFile: DIR/pki/kubelet-server.crt
tlsPrivateKeyFile: DIR/pki/kubelet-server.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: DIR/pki/ca.crt}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
clusterDNS: [` + nodeAddress + `]
containerRuntimeEndpoint: unix://DIR/containerd.sock
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
featureGates: {KubeletInUserNamespace: true}
makeIPTablesUtilChains: false
podLogsDir: DIR/pods
containerLogMaxSize: 512Ki
containerLogMaxFiles: 9
containerLogMonitorInterval: 3s
volumePluginDir: DIR/volumeplugins
resolvConf: ""
imagePullCredentialsVerificationPolicy: NeverVerify
registryPullQPS: 0
eventRecordQPS: 0
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 50Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%, imagefs.inodesFree: 0%}
nodeStatusUpdateFrequency: 5s
syncFrequency: 5s
volumeStatsAggPeriod: 2s
shutdownGracePeriod: 0s
`
