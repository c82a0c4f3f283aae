package file

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// Reader reads Polyaxonfiles from disk, and the files that they refer to from disk and
// the network.
type Reader struct {
	// Transport sends the requests for urlRef and hubRef. If it is nil, both are refused.
	Transport http.RoundTripper
	// Hub is the address of the component hub. "" means Polyaxon's public hub.
	Hub string
	// Hosts are the hosts that a urlRef may be redirected to. They may have private addresses.
	Hosts []string
	// Root is the directory that must contain all files, also after symbolic links are
	// followed. If it is "", a Polyaxonfile may be anywhere, and the files that it refers to
	// must be in its repository.
	Root string
	// Cache caches what was read, so that a command reads each file once. If it is nil, files
	// are read each time.
	Cache *Cache
}

// notComponentMessage returns the message for a referenced file that is not a component. It
// quotes nothing of the file, because a reference may name any file of the machine.
func notComponentMessage(name string) string {
	return fmt.Sprintf("%s is not a component: it has neither kind: component nor run at its top level", name)
}

// Text returns the text of the file at path.
func (r Reader) Text(ctx context.Context, path string) ([]byte, error) {
	return r.read(ctx, path, r.Root)
}

// Texts returns the text of the file at path, and that of the component that it names by
// pathRef. The component is nil when the file has no pathRef.
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
