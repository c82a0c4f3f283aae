package build

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
)

// filesBuilder builds images of files alone.
func filesBuilder(o *order) image.Builder { return image.NewBuilder(o.Order) }

func filesParameters(i *config.Image) map[string]any {
	all := treeParameters(i)
	all["base"] = i.Base
	return all
}

// treeParameters gives the parameters of all images that are made of the tree alone.
func treeParameters(i *config.Image) map[string]any {
	return map[string]any{"platforms": i.Platforms, "files": i.Files, "workdir": i.Workdir, "user": i.User, "owner": i.Owner, "entrypoint": i.Entrypoint, "command": i.Command, "env": slices.Sorted(maps.Keys(i.Env))}
}
