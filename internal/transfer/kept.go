package transfer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/machine"
)

// subject is the subject of the authentication codes of this package's files.
const subject = "data state"

// keep writes a file of the cache. Its first line is an authentication code, so that files which came with
// a repository are not used: they could name another upload, or other checksums.
func keep(path string, text []byte) error {
	code, err := machine.MAC(subject+" "+filepath.Base(path), text)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, append([]byte(code+"\n"), text...), 0o600)
}

// kept returns what keep wrote.
func kept(path string) ([]byte, error) {
	all, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	code, text, _ := bytes.Cut(all, []byte("\n"))
	ok, err := machine.VerifyMAC(string(code), subject+" "+filepath.Base(path), text)
	if err == nil && !ok {
		err = errors.New(path + " is damaged or was written on another machine")
	}
	return text, err
}
