package build

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
)

// filesBuilder returns the builder of images of kind files, which only add files to a
// base image.
func filesBuilder(o *imageBuild) image.Builder {
	o.note(o.Base, "base")
	return image.NewBuilder(o.Order)
}

// filesParameters returns the parameters of an image of kind files.
func filesParameters(i *config.Image) map[string]any {
	all := treeParameters(i)
	all["base"], all["system"] = i.Base, i.System
	return all
}

// treeParameters returns the parameters that images of kind files, go and python have in
// common.
func treeParameters(i *config.Image) map[string]any {
	return map[string]any{"platforms": i.Platforms, "files": i.Files, "workdir": i.Workdir, "user": i.User, "owner": i.Owner, "entrypoint": i.Entrypoint, "command": i.Command, "env": slices.Sorted(maps.Keys(i.Env))}
}
