package machine

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestConcurrentSecretCreation makes the secret in many goroutines at once, on a file system
// with hard links and on one without. All must see the same secret.
func TestConcurrentSecretCreation(t *testing.T) {
	for name, link := range map[string]func(from, to string) error{
		"links":    os.Link,
		"no links": func(string, string) error { return errors.ErrUnsupported },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, secretFile)
			seen := make([]string, 16)
			var group sync.WaitGroup
			for i := range seen {
				group.Go(func() {
					if err := write(dir, path, link); err != nil {
						t.Error(err)
					}
					key, err := os.ReadFile(path)
					if err != nil {
						t.Error(err)
					}
					seen[i] = string(key)
				})
			}
			group.Wait()
			for _, key := range seen {
				if len(key) != secretSize || key != seen[0] {
					t.Fatalf("%x and %x", seen[0], key)
				}
			}
			if left, err := filepath.Glob(filepath.Join(dir, ".part-*")); err != nil || len(left) > 0 {
				t.Error(left, err)
			}
		})
	}
}
