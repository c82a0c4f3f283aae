package build

import (
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
)

// goBuilder returns the builder of images of a Go program.
func goBuilder(o *imageBuild) image.Builder {
	from := o.config.Go
	o.Main, o.Base = from.Main, from.Base
	o.note(from.Main, "go", "main")
	o.note(from.Base, "go", "base")
	return image.NewBuilder(o.Order)
}

// goParameters returns the parameters of an image of kind go.
func goParameters(i *config.Image) map[string]any {
	all := treeParameters(i)
	all["go"] = map[string]any{"main": i.Go.Main, "base": i.Go.Base}
	return all
}
