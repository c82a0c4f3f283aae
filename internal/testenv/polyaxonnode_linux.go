package testenv

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// PolyaxonNode is a node with a whole Polyaxon 2.18: its server, and its own agent, which converts
// operations to pods. An operator of the tests runs them.
type PolyaxonNode struct {
	// Host is the address of the gateway before the server.
	Host string
	// Access is an administrator's access to the cluster.
	Access *rest.Config
	// Kubeconfig is the path of a file with the same access.
	Kubeconfig string

	node *node
}

// PolyaxonNamespace is the namespace of the runs of a PolyaxonNode.
const PolyaxonNamespace = "polyaxon-v1"

// PolyaxonOnNode starts a PolyaxonNode, which ends with the test. connections are those of the
// agent. It needs root, and the programs that `go run mage.go test` installs.
func PolyaxonOnNode(t testing.TB, connections []map[string]any) *PolyaxonNode {
	t.Helper()
	client := component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "polyaxon"))
	n, access := startNode(t)
	p := &PolyaxonNode{Access: access, Kubeconfig: n.path("kubeconfig"), node: n}
	if err := clientcmd.WriteToFile(*Kubeconfig(access), p.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := dynamic.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: PolyaxonNamespace}}
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	o := &operator{clients: clients, resources: resources, seen: map[string]*operated{}}
	o.define(t)
	services := n.serveNames(clients)

	s := newHaupt(t)
	s.env = append(s.env, "KUBECONFIG="+p.Kubeconfig, "POLYAXON_K8S_NAMESPACE="+PolyaxonNamespace, inTurn)
	s.Start()
	p.Host, o.host, o.data = n.gateway(t, s.Host, services), s.Host, s.data
	store := map[string]any{"name": "artifacts", "kind": "host_path", "schema": map[string]any{"mountPath": o.data, "hostPath": o.data}}
	none := map[string]any{"image": PodImage, "sleepInterval": -1, "syncInterval": -1}
	start(t, n.dir, "polyaxon-agent", append(os.Environ(),
		"HOME="+n.dir, "KUBECONFIG="+p.Kubeconfig, "POLYAXON_SERVICE=agent", "POLYAXON_SET_AGENT=true", "POLYAXON_HOST="+s.Host,
		"POLYAXON_K8S_NAMESPACE="+PolyaxonNamespace, "POLYAXON_K8S_IN_CLUSTER=false", "POLYAXON_AGENT_ARTIFACTS_STORE="+text(t, store),
		"POLYAXON_AGENT_CONNECTIONS="+text(t, connections), "POLYAXON_AGENT_INIT="+text(t, map[string]any{"image": PodImage}), "POLYAXON_AGENT_SIDECAR="+text(t, none)),
		client, "agent", "start", "--max-interval", "1")
	o.run(t)
	return p
}

// Forward lets pods and the container runtime reach an address of this machine under an address
// of the node.
func (p *PolyaxonNode) Forward(node, machine string) { p.node.forward(node, machine) }

func text(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
