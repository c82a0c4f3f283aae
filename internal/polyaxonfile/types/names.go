package types

import "github.com/slipway-ci/slipway/internal/polyaxonfile/schema"

// Names returns the types that inputs and outputs may have in a version. The zero Version
// stands for the newest one.
func Names(version schema.Version) []string {
	names := []string{
		"any", "int", "float", "bool", "str", "dict", "dict_of_dicts", "uri", "auth", "list", "gcs", "s3", "wasb", "dockerfile", "git",
		"image", "event", "artifacts", "path", "metric", "metadata", "date", "datetime", "uuid",
	}
	if version.Major == 1 {
		return names
	}
	return append(names, "file", "tensorboard")
}
