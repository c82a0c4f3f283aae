package dockerfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/slipway-ci/slipway/internal/source"
)

// unreadable returns the error for a Dockerfile that cannot be read: file is its path below dir, and at is where
// slipway.yaml names it. Of one that is not there it suggests a file of a similar name.
func unreadable(image, dir, file string, at source.Position, err error) error {
	refused := &source.Error{Position: at, Message: fmt.Sprintf("image %s: %s cannot be read", image, file), Err: err}
	irregular := new(source.IrregularError)
	switch {
	case errors.As(err, &irregular):
		refused.Message = fmt.Sprintf("image %s: %s %v", image, file, irregular)
	case errors.Is(err, fs.ErrNotExist):
		refused.Message, refused.Hint = fmt.Sprintf("image %s: %s not found", image, file), "paths are relative to the repository's root"
		if root, err := os.OpenRoot(dir); err == nil {
			defer root.Close()
			refused.Hint = source.SuggestFile(root.FS(), file, refused.Hint)
		}
	}
	return refused
}
