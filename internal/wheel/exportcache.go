package wheel

import (
	"bytes"
	"fmt"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
)

// exportSubject is the subject of the codes of kept exports.
const exportSubject = "export of a lock"

// writeExport writes an export to the cache, with a code that proves that this machine wrote
// it. The cache is in the working tree, so that a file in it may come from elsewhere.
func writeExport(name string, text []byte) error {
	code, err := machine.MAC(exportSubject, text)
	if err != nil {
		return nil //nolint:nilerr // it is exported again
	}
	return writeFile(name, append([]byte(code+"\n"), text...))
}

// readExport returns an export that writeExport wrote. It returns an error if this machine did
// not write it.
func readExport(name string) ([]byte, error) {
	all, err := source.ReadFile(nil, name, maxLock)
	if err != nil {
		return nil, err
	}
	code, text, _ := bytes.Cut(all, []byte("\n"))
	ok, err := machine.VerifyMAC(string(code), exportSubject, text)
	if err == nil && !ok {
		err = fmt.Errorf("%s is damaged or was written on another machine", name)
	}
	return text, err
}
