// Command kubetest is a Kubernetes cluster for tests in one binary: etcd, the control
// plane, the kubelet of a node, and the certificates that they need. It is a separate
// module, so that slipway does not depend on Kubernetes' server code.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kubetest etcd|pki|relay|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet ...")
		os.Exit(2)
	}
	name, args := os.Args[1], os.Args[2:]
	var err error
	switch name {
	case "etcd":
		err = runEtcd(args)
	case "pki":
		err = runPKI(args)
	case "relay":
		err = runRelay(args)
	case "kube-apiserver":
		kubernetes(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		kubernetes(controllers.NewControllerManagerCommand())
	case "kube-scheduler":
		kubernetes(scheduler.NewSchedulerCommand())
	case "kubelet":
		kubernetes(kubelet.NewKubeletCommand(context.Background()))
	default:
		err = fmt.Errorf("%s not found", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubetest", name+":", err)
		os.Exit(1)
	}
}

// kubernetes runs one of Kubernetes' own commands, which parse os.Args[1:], and exits.
func kubernetes(command *cobra.Command) {
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command))
}
