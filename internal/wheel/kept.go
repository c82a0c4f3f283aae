package wheel

import (
	"bytes"
	"fmt"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
)

// exportSubject is what the codes of kept exports are of.
const exportSubject = "export of a lock"

// writeKept keeps an export, with the proof that it is of this machine: the cache is
// in the tree, which may have brought another one.
func writeKept(name string, text []byte) error {
	code, err := machine.Code(exportSubject, text)
	if err != nil {
		return nil //nolint:nilerr // it is exported again
	}
	return writeFile(name, append([]byte(code+"\n"), text...))
}

// readKept gives what writeKept kept.
func readKept(name string) ([]byte, error) {
	all, err := source.ReadFile(nil, name, maxLock)
	if err != nil {
		return nil, err
	}
	code, text, _ := bytes.Cut(all, []byte("\n"))
	ok, err := machine.Proves(string(code), exportSubject, text)
	if err == nil && !ok {
		err = fmt.Errorf("%s is not of this machine", name)
	}
	return text, err
}
