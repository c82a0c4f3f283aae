// Command kubetest is a Kubernetes control plane for tests in one binary: etcd,
// kube-apiserver, and the certificates that they need. It is a module of its own,
// so that slipway does not depend on Kubernetes' server code.
package main

import (
	"fmt"
	"os"

	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kubetest etcd|pki|kube-apiserver ...")
		os.Exit(2)
	}
	name, args := os.Args[1], os.Args[2:]
	var err error
	switch name {
	case "etcd":
		err = runEtcd(args)
	case "pki":
		err = runPKI(args)
	case "kube-apiserver":
		os.Args = append([]string{name}, args...) // Kubernetes' own commands parse os.Args[1:]
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	default:
		err = fmt.Errorf("there is no %s", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetest", name+":", err)
		os.Exit(1)
	}
}
