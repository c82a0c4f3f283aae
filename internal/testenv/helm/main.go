// Command helm writes the record of a release into a namespace of a cluster, by the library
// of Helm 3 or Helm 4, as `helm install` and `helm upgrade` do at their ends.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	chart3 "helm.sh/helm/v3/pkg/chart"
	release3 "helm.sh/helm/v3/pkg/release"
	storage3 "helm.sh/helm/v3/pkg/storage"
	driver3 "helm.sh/helm/v3/pkg/storage/driver"
	time3 "helm.sh/helm/v3/pkg/time"
	chart4 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/release/common"
	release4 "helm.sh/helm/v4/pkg/release/v1"
	storage4 "helm.sh/helm/v4/pkg/storage"
	driver4 "helm.sh/helm/v4/pkg/storage/driver"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// release is what the record tells.
type release struct {
	name, namespace, chart, version, value string
	revision                               int
	at                                     time.Time
}

func main() {
	var r release
	kubeconfig := flag.String("kubeconfig", "", "file with the access to the cluster")
	helm := flag.Int("helm", 4, "version of Helm: 3 or 4")
	flag.StringVar(&r.namespace, "namespace", "default", "namespace of the release")
	flag.StringVar(&r.name, "name", "", "name of the release")
	flag.StringVar(&r.chart, "chart", "", "name of its chart")
	flag.StringVar(&r.version, "version", "", "version of its chart, and of the program in it")
	flag.StringVar(&r.value, "password", "", "a value that the user has given")
	flag.IntVar(&r.revision, "revision", 1, "revision of the release")
	flag.TextVar(&r.at, "deployed", time.Now(), "time of the revision")
	flag.Parse()
	if err := r.write(*kubeconfig, *helm); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (r release) write(kubeconfig string, helm int) error {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	clients, err := corev1.NewForConfig(access)
	if err != nil {
		return err
	}
	secrets, values := clients.Secrets(r.namespace), map[string]any{"password": r.value}
	if helm == 3 {
		at := time3.Time{Time: r.at}
		return storage3.Init(driver3.NewSecrets(secrets)).Create(&release3.Release{
			Name: r.name, Namespace: r.namespace, Version: r.revision, Manifest: "---\n", Config: values,
			Info:  &release3.Info{FirstDeployed: at, LastDeployed: at, Status: release3.StatusDeployed, Description: "Upgrade complete"},
			Chart: &chart3.Chart{Metadata: &chart3.Metadata{APIVersion: "v2", Name: r.chart, Version: r.version, AppVersion: r.version}},
		})
	}
	return storage4.Init(driver4.NewSecrets(secrets)).Create(&release4.Release{
		Name: r.name, Namespace: r.namespace, Version: r.revision, Manifest: "---\n", Config: values, ApplyMethod: string(release4.ApplyMethodServerSideApply),
		Info:  &release4.Info{FirstDeployed: r.at, LastDeployed: r.at, Status: common.StatusDeployed, Description: "Upgrade complete"},
		Chart: &chart4.Chart{Metadata: &chart4.Metadata{APIVersion: "v2", Name: r.chart, Version: r.version, AppVersion: r.version}},
	})
}
