package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

const (
	// inputsTagPrefix is the prefix of the tag of an image's inputs.
	inputsTagPrefix = "inputs-"
	// shortInputs is the number of digits of the inputs' hash in the tag.
	shortInputs = 12
	// layersTagPrefix is the prefix of the tags that layersTag returns.
	layersTagPrefix = registry.OwnTagPrefix + "layers-"
)

// inputsTag returns the tag of an image with these inputs.
func inputsTag(inputs string) string {
	return inputsTagPrefix + inputs[:min(len(inputs), shortInputs)]
}

// layersTag returns the tag of the image that was pushed last for a platform. From its
// annotations a build on any machine learns which layers have not changed, and neither
// packs nor sends them. The tag moves with each push, and only slipway uses it.
func layersTag(platform v1.Platform) string {
	tag := layersTagPrefix + platform.OS + "-" + platform.Architecture
	if platform.Variant != "" {
		tag += "-" + platform.Variant
	}
	return tag
}
