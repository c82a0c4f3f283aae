package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

const (
	// inputsTagPrefix begins the tag of an image's inputs.
	inputsTagPrefix = "inputs-"
	// shortInputs is how many digits of the inputs' hash it has.
	shortInputs = 12
	// layersTagPrefix begins the tags that layersTag gives.
	layersTagPrefix = registry.OwnTagPrefix + "layers-"
)

// inputsTag gives the tag under which an image with these inputs stands.
func inputsTag(inputs string) string {
	return inputsTagPrefix + inputs[:min(len(inputs), shortInputs)]
}

// layersTag gives the tag of the image that was pushed last for a platform: by its
// annotations a build anywhere finds the layers that did not change, and neither
// packs nor sends them. It moves with each push and is for nobody else to use.
func layersTag(platform v1.Platform) string {
	tag := layersTagPrefix + platform.OS + "-" + platform.Architecture
	if platform.Variant != "" {
		tag += "-" + platform.Variant
	}
	return tag
}
