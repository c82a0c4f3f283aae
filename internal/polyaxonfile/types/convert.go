package types

import (
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

var (
	uuidPattern = lazyregexp.New(`^(?:urn:uuid:)?\{?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\}?$`)
	urlPattern  = lazyregexp.New(`^([a-zA-Z][a-zA-Z0-9+.-]*):(//)?([^\s/?#]*)([^\s]*)$`)
	wasbAccount = lazyregexp.New(`^[^@]+@[^.]+\.blob\.core\.windows\.net`)
	httpAccount = lazyregexp.New(`^[^@]+\.blob\.core\.windows\.net`)
	generic     = lazyregexp.New(`^(List|Dict|Optional)\[(.*)\]$`)
)

// convertKind converts a value to a type as Polyaxon 2 does, and reports whether the type
// accepts the value.
func convertKind(kind string, value any) (any, bool) {
	if m := generic.FindStringSubmatch(strings.ReplaceAll(kind, " ", "")); m != nil {
		return convertGeneric(m[1], m[2], value)
	}
	text, isText := value.(string)
	m, isMapping := value.(map[string]any)
	switch kind {
	case "any", "Any":
		return value, true
	case "int":
		return shape.ToInt(value)
	case "float", "metric":
		if isText {
			return floatOf(text)
		}
		f, ok := python.Number(value)
		return f, ok
	case "bool":
		return shape.ToBool(value)
	case "str":
		if isText {
			return text, true
		}
		return python.JSON(value), true
	case "path":
		return text, isText
	case "dict", "metadata", "Dict":
		return m, isMapping
	case "list", "List":
		list, ok := value.([]any)
		return list, ok
	case "date", "datetime":
		if !isText {
			return nil, false
		}
		if _, err := time.Parse("2006-1-2", text); err == nil && len(text) != len("2006-01-02") {
			return nil, false
		}
		return shape.Time(schema.Date, value)
	case "uuid":
		if !isText || !uuidPattern.MatchString(text) {
			return nil, false
		}
		return strings.ToLower(strings.NewReplacer("-", "", "urn:uuid:", "", "{", "", "}", "").Replace(text)), true
	case "image":
		if isMapping {
			text, isText = m["name"].(string)
		}
		return text, isText && isImage(text)
	case "uri", "gcs", "s3", "wasb":
		if !isText {
			return nil, false
		}
		return convertURL(kind, text)
	case "git", "dockerfile", "artifacts", "event", "file", "tensorboard":
		if !isMapping {
			return nil, false
		}
		return convertObject(kind, m)
	}
	return nil, false
}

func floatOf(text string) (any, bool) {
	f, ok := shape.ToFloat(text)
	return f, ok
}

func convertGeneric(outer, inner string, value any) (any, bool) {
	switch outer {
	case "Optional":
		if value == nil {
			return nil, true
		}
		return convertKind(inner, value)
	case "List":
		list, ok := value.([]any)
		if !ok {
			return nil, false
		}
		converted := make([]any, len(list))
		for i, element := range list {
			if element == nil && inner != "any" && inner != "Any" {
				return nil, false
			}
			if converted[i], ok = convertKind(inner, element); !ok {
				return nil, false
			}
		}
		return converted, true
	}
	m, ok := value.(map[string]any)
	key, of, both := strings.Cut(inner, ",")
	if !ok || !both || key != "str" {
		return nil, false
	}
	converted := make(map[string]any, len(m))
	for name, element := range m {
		if converted[name], ok = convertKind(of, element); !ok {
			return nil, false
		}
	}
	return converted, true
}

func isImage(text string) bool {
	if shape.IsReference(text) {
		return true
	}
	parts := strings.Split(strings.Trim(text, "htps:/"), ":")
	return text != "" && !strings.Contains(text, " ") && len(parts) <= 3 &&
		(len(parts) < 3 || strings.Contains(parts[1], "/") && !strings.HasPrefix(parts[1], "/"))
}

func convertURL(kind, text string) (any, bool) {
	m := urlPattern.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	scheme, host := strings.ToLower(m[1]), m[3]
	web := scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss" || scheme == "ftp"
	ok := false
	switch kind {
	case "uri":
		ok = !web || host != ""
	case "gcs":
		ok = (scheme == "gs" || scheme == "gcs") && m[2] != "" && host != ""
	case "s3":
		ok = scheme == "s3" && m[2] != "" && host != ""
	case "wasb":
		switch scheme {
		case "wasb", "wasbs":
			ok = wasbAccount.MatchString(host)
		case "https":
			ok = httpAccount.MatchString(host)
		case "az", "abfs":
			ok = true
		}
	}
	if web && m[4] == "" {
		text += "/"
	}
	return text, ok
}

// convertObject converts a mapping to one of Polyaxon's objects.
func convertObject(name string, m map[string]any) (any, bool) {
	s, err := shape.New(schema.ShortcutsSince())
	if err != nil {
		return nil, false
	}
	if name == "event" {
		for key := range m {
			if key != "name" && key != "kind" {
				return nil, false
			}
		}
		return plain.Clone(m), true
	}
	o := s.Tables.Object(name)
	shaped, err := s.Object(o, m)
	if err != nil {
		return nil, false
	}
	return s.Prune(o, shaped), true
}
