package kubeconfig

import (
	"os"
	"path/filepath"
)

// Files returns the kubeconfigs that kubectl reads: the named one, or those of KUBECONFIG,
// or .kube/config in the home directory.
func Files(named string, lookup func(string) (string, bool)) []string {
	if named != "" {
		return []string{named}
	}
	if list, ok := lookup("KUBECONFIG"); ok && list != "" {
		var paths []string
		there := map[string]bool{}
		for _, path := range filepath.SplitList(list) {
			if path != "" && !there[path] {
				paths = append(paths, path)
				there[path] = true
			}
		}
		return paths
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if home, ok := lookup(name); ok && home != "" {
			return []string{filepath.Join(home, ".kube", "config")}
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		return []string{filepath.Join(home, ".kube", "config")}
	}
	return nil
}
