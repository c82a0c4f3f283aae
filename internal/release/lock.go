package release

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Lock returns a requirements file with hashes of the wheels in a directory. They must be of
// one version.
func Lock(dir string) ([]byte, error) {
	wheels, err := filepath.Glob(filepath.Join(dir, distribution+"-*.whl"))
	if err != nil {
		return nil, err
	}
	if len(wheels) == 0 {
		return nil, errors.New("there is no wheel in " + dir)
	}
	text, version := "", ""
	for _, wheel := range wheels {
		content, err := os.ReadFile(wheel)
		if err != nil {
			return nil, err
		}
		this := strings.Split(filepath.Base(wheel), "-")[1]
		if version != "" && this != version {
			return nil, fmt.Errorf("%s has wheels of the versions %s and %s", dir, version, this)
		}
		version = this
		text += fmt.Sprintf(" \\\n    --hash=sha256:%x", sha256.Sum256(content))
	}
	return []byte(Distribution + "==" + version + text + "\n"), nil
}
