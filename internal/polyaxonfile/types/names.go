package types

// Names are the types of inputs and outputs; 1.11.3 lacks the last two.
var Names = []string{
	"any", "int", "float", "bool", "str", "dict", "dict_of_dicts", "uri", "auth", "list", "gcs", "s3", "wasb", "dockerfile", "git",
	"image", "event", "artifacts", "path", "metric", "metadata", "date", "datetime", "uuid", "file", "tensorboard",
}
