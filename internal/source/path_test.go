package source_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// TestCheckPath tells contents of files from paths.
func TestCheckPath(t *testing.T) {
	const canary = "canary-8d1f"
	for _, text := range []string{"{\n  \"key\": \"" + canary + "\"\n}\n", ` {"key": "` + canary + `"}`, "apiVersion: v1\nkind: " + canary} {
		for _, given := range []string{text, base64.StdEncoding.EncodeToString([]byte(text)) + "\n"} {
			err := source.CheckPath(given, "KUBECONFIG")
			if content := new(source.ContentError); !errors.As(err, &content) || !strings.HasPrefix(err.Error(), "KUBECONFIG has the content") || strings.Contains(err.Error(), canary) {
				t.Errorf("%q: %v", given, err)
			}
		}
	}
	for _, path := range []string{"", "/home/ada/key.json", `C:\Users\ada\key.json`, "key.json", "a/b", "/var/run/secrets/key", "~/{}.json", "/dev/fd/63", "keys/with space.json\n"} {
		if err := source.CheckPath(path, "KUBECONFIG"); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
}
