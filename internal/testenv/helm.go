package testenv

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// HelmRelease is a revision of a release of Helm.
type HelmRelease struct {
	Name, Namespace string
	Revision        int
	At              time.Time
	// Chart is the name of the chart, and Version the version of it and of the program in it.
	Chart, Version string
	// Password is a value that the user has given to the chart.
	Password string
}

// Helm returns the path of the program by which HelmRecord writes. Call it before the test
// changes its directory.
func Helm(t testing.TB) string {
	t.Helper()
	return component(t, "helm (Helm's library)", "helm")
}

// HelmRecord writes the record of a release into a cluster by binary, which is that of Helm, as
// Helm 3 or Helm 4 does.
func HelmRecord(t testing.TB, binary string, access *rest.Config, helm int, r HelmRelease) {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*Kubeconfig(access), kubeconfig); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, fmt.Sprintf("-helm=%d", helm), "-kubeconfig="+kubeconfig, "-namespace="+r.Namespace, "-name="+r.Name, "-chart="+r.Chart,
		"-version="+r.Version, fmt.Sprintf("-revision=%d", r.Revision), "-deployed="+r.At.Format(time.RFC3339), "-password="+r.Password).CombinedOutput()
	if err != nil {
		t.Fatalf("write Helm's record: %v\n%s", err, out)
	}
}
