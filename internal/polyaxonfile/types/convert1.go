package types

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// convert1 converts a value as Polyaxon 1.11.3 was observed to do.
func (x IO) convert1(value any) (any, error) {
	if !slices.Contains(Names(schema.Version{Major: 1}), x.Kind) {
		return nil, x.conversionError(value)
	}
	if x.List {
		list, ok := value.([]any)
		if text, isText := value.(string); isText {
			if loaded, err := python.ParseJSON(text); err == nil {
				list, ok = loaded.([]any)
			}
			if !ok && strings.Contains(text, ",") {
				ok = true
				for _, part := range strings.Split(text, ",") {
					list = append(list, strings.TrimSpace(part))
				}
			}
		}
		if !ok {
			return nil, x.conversionError(value)
		}
		converted := make([]any, len(list))
		for i, element := range list {
			if converted[i], ok = convertKind1(x.Kind, element); !ok {
				return nil, x.conversionError(value)
			}
		}
		return converted, x.options1(converted)
	}
	converted, ok := convertKind1(x.Kind, value)
	if !ok {
		return nil, x.conversionError(value)
	}
	return converted, x.options1(converted)
}

// options1 checks a value against the options. Polyaxon 1.11.3 compares a list as a
// whole.
func (x IO) options1(value any) error {
	options := x.Validation["options"]
	if options == nil {
		return nil
	}
	if found, sensible := contains(options, value); !found || !sensible {
		return x.valueErrorf(value, "The value `%s` provided for key `%s` is not one of the possible values.", python.Str(value), x.Name)
	}
	return nil
}

var (
	loginAt = lazyregexp.New(`^[^:@]+:[^@]*@.+$`)
	bucket  = lazyregexp.New(`^[a-zA-Z0-9]+://[^/]+`)
	azure   = lazyregexp.New(`^(?:wasbs?://[^@/]+@[^.]+\.blob\.core\.windows\.net|https://[^.]+\.blob\.core\.windows\.net|az://|abfs://)`)
	days    = lazyregexp.New(`^\d{4}-\d{1,2}-\d{1,2}$`)
)

func convertKind1(kind string, value any) (any, bool) {
	text, isText := value.(string)
	var loaded any
	if isText {
		if parsed, err := python.ParseJSON(text); err == nil {
			loaded = parsed
		}
	}
	m, isMapping := value.(map[string]any)
	if !isMapping {
		m, isMapping = loaded.(map[string]any)
	}
	_, isBool := value.(bool)
	switch kind {
	case "any":
		return value, true
	case "int", "float", "metric":
		f, ok := python.Number(value)
		if isText {
			f, ok = shape.ToFloat(text)
		}
		if kind != "int" {
			return f, ok
		}
		return int(f), ok && f == math.Trunc(f) && math.Abs(f) < 1<<63
	case "bool":
		if isBool {
			return value, true
		}
		if isText {
			return shape.ToBool(strings.TrimSpace(text))
		}
		return nil, false
	case "str", "path":
		if isText {
			return text, true
		}
		return python.Dumps(value), value != nil
	case "dict", "metadata":
		if isMapping && len(m) == 0 {
			return nil, true
		}
		return m, isMapping
	case "dict_of_dicts":
		for _, element := range m {
			if _, ok := element.(map[string]any); !ok {
				return nil, false
			}
		}
		return m, isMapping
	case "list":
		if list, ok := value.([]any); ok {
			return list, true
		}
		if !isText {
			return nil, false
		}
		list := []any{}
		if text != "" {
			for _, part := range strings.Split(text, ",") {
				list = append(list, strings.TrimSpace(part))
			}
		}
		return list, true
	case "date":
		return text, isText && days.MatchString(text)
	case "datetime":
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02 15:04:05Z07:00"} {
			if _, err := time.Parse(layout, text); err == nil {
				return text, true
			}
		}
		return nil, false
	case "uuid":
		return strings.ToLower(strings.ReplaceAll(text, "-", "")), isText && uuidPattern.MatchString(text)
	case "uri":
		return textOrMapping(value, text, m, isMapping, loginAt.MatchString(text), "user", "password", "host")
	case "auth":
		return textOrMapping(value, text, m, isMapping, isText && strings.Contains(text, ":"), "user", "password")
	case "gcs":
		return textOrMapping(value, text, m, isMapping, strings.HasPrefix(text, "gs://") && len(text) > len("gs://"), "bucket", "blob")
	case "s3":
		return textOrMapping(value, text, m, isMapping, bucket.MatchString(text), "bucket", "key")
	case "wasb":
		return textOrMapping(value, text, m, isMapping, azure.MatchString(text), "container", "storageAccount", "path")
	case "image":
		return textOrMapping(value, text, m, isMapping, isText, "name")
	case "git":
		return textOrMapping(nil, "", m, isMapping, false, "url", "revision", "flags")
	case "event":
		return textOrMapping(nil, "", m, isMapping, false, "name", "kind")
	case "artifacts":
		return textOrMapping(nil, "", m, isMapping, false, "files", "dirs", "workers")
	case "dockerfile":
		_, hasImage := m["image"]
		converted, ok := textOrMapping(nil, "", m, isMapping, false, "image", "env", "path", "copy", "postRunCopy", "run", "langEnv", "uid", "gid",
			"username", "filename", "workdir", "workdirPath", "shell")
		return converted, ok && hasImage
	}
	return nil, false
}

// textOrMapping accepts a text when fits is true, or a mapping that has no keys other than
// keys.
func textOrMapping(value any, text string, m map[string]any, isMapping, fits bool, keys ...string) (any, bool) {
	if fits {
		return text, true
	}
	if !isMapping {
		return value, false
	}
	for key := range m {
		if !slices.Contains(keys, key) {
			return nil, false
		}
	}
	return m, true
}
