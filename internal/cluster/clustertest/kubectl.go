package clustertest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// Kubectl runs the scripts in testdata against the API server of access: what people type,
// and what the real kubectl prints. The same scripts run against the sandbox's cluster and
// a real one.
func Kubectl(t *testing.T, access *rest.Config) {
	bin := filepath.Dir(testenv.Kubectl(t))
	config := testenv.Kubeconfig(access)
	config.Contexts["a"].Namespace = "kubectl"
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join(testenv.Root(t), "internal", "cluster", "clustertest", "testdata"),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "kubeconfig"))
			if runtime.GOOS == "windows" {
				env.Setenv("USERPROFILE", env.WorkDir)
			}
			return clientcmd.WriteToFile(*config, filepath.Join(env.WorkDir, "kubeconfig"))
		},
	})
}
