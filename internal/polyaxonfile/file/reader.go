package file

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// Reader reads Polyaxonfiles from disk, and what they refer to from disk and the
// network.
type Reader struct {
	// Transport does the requests of urlRef and hubRef; nil refuses both.
	Transport http.RoundTripper
	// Hub is the address of the component hub, "" for Polyaxon's public one.
	Hub string
	// Hosts are those that a urlRef may be redirected to, and that may have private
	// addresses.
	Hosts []string
	// Root is the directory that no file may lie outside of, not by a link either; ""
	// allows a Polyaxonfile to lie anywhere, and what it refers to in its repository.
	Root string
	// Held keeps what was read, so that a command reads each file once; nil reads it
	// each time.
	Held *Held
}

// noComponent says of a file that a reference leads to why it is none, without a word
// of what is in it: it may be any file of the machine it was written on.
func noComponent(name string) string {
	return fmt.Sprintf("%s is no component: it has neither kind: component nor run at its top", name)
}

// Texts gives the text of the file at path, and of the component that it names by
// pathRef, nil when it names none.
func (r Reader) Texts(ctx context.Context, path string) (text, component []byte, err error) {
	if text, err = r.read(ctx, path, r.Root); err != nil {
		return nil, nil, fileError(source.Position{File: path}, err)
	}
	f, _ := Load(path, text)
	reference, ok := f.root["pathRef"].(string)
	if !ok {
		return text, nil, nil
	}
	if r.Root == "" {
		r.Root = repository(path)
	}
	called := filepath.Join(filepath.Dir(path), filepath.FromSlash(reference))
	if component, err = r.read(ctx, called, r.Root); err != nil {
		return nil, nil, fileError(source.Position{File: called}, err)
	}
	return text, component, nil
}
