package template

import (
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func center(_ *runtime, value any, args values) (any, error) {
	width, err := count(args, 0, "width", 80)
	if err != nil {
		return nil, err
	}
	return padded(text(value), width, " ", true, true)
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

var htmlTag = lazyregexp.New(`(?s)<!--.*?-->|<[^>]*>`)

func stripTags(s string) string {
	return html.UnescapeString(strings.Join(strings.Fields(htmlTag.ReplaceAllString(s, "")), " "))
}

func fileSize(_ *runtime, value any, args values) (any, error) {
	f, ok := python.Number(value)
	if !ok {
		parsed, err := strconv.ParseFloat(text(value), 64)
		if err != nil {
			return nil, errorf("ValueError", "could not convert string to float: %s", python.Repr(text(value)))
		}
		f = parsed
	}
	base, prefixes := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if truth(args.get(0, "binary", false)) {
		base, prefixes = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case f == 1:
		return "1 Byte", nil
	case f < base:
		return fmt.Sprintf("%d Bytes", int(f)), nil
	}
	unit := base
	for _, prefix := range prefixes {
		if unit *= base; f < unit {
			return fmt.Sprintf("%.1f %s", base*f/unit, prefix), nil
		}
	}
	return fmt.Sprintf("%.1f %s", base*f/unit, prefixes[len(prefixes)-1]), nil
}

func formatFilter(_ *runtime, value any, args values) (any, error) {
	if len(args.named) > 0 {
		return format(text(value), args.named)
	}
	return format(text(value), python.Tuple(args.positional))
}

// mapFormat implements Polyaxon's own filter: it inserts the value into a pattern for %.
func mapFormat(_ *runtime, value any, args values) (any, error) {
	pattern := text(args.get(0, "pattern", ""))
	if name, ok := args.get(1, "variable_name", nil).(string); ok && name != "" {
		return format(pattern, map[string]any{name: value})
	}
	return format(pattern, value)
}

func indent(_ *runtime, value any, args values) (any, error) {
	var prefix string
	switch width := args.get(0, "width", 4).(type) {
	case int:
		filled, err := padded("", width, " ", true, false)
		if err != nil {
			return nil, err
		}
		prefix = text(filled)
	case string:
		prefix = width
	}
	lines := strings.Split(text(value)+"\n", "\n")
	lines = lines[:len(lines)-1]
	if len(lines)*len(prefix) > maxText {
		return nil, errorf("OverflowError", "a text grows beyond 1 MiB")
	}
	for i := range lines {
		if i == 0 && !truth(args.get(1, "first", false)) || lines[i] == "" && !truth(args.get(2, "blank", false)) {
			continue
		}
		lines[i] = prefix + lines[i]
	}
	return strings.Join(lines, "\n"), nil
}

func replace(_ *runtime, value any, args values) (any, error) {
	n, ok := args.get(2, "count", -1).(int)
	if !ok {
		n = -1
	}
	return replaced(text(value), text(args.get(0, "old", "")), text(args.get(1, "new", "")), n)
}

var wordStart = lazyregexp.New(`[-\s({\[<]+|[^-\s({\[<]+`)

// titleFilter capitalizes each word, as Jinja's filter title does.
func titleFilter(s string) string {
	return wordStart.ReplaceAllStringFunc(s, capitalized)
}

func trimFilter(_ *runtime, value any, args values) (any, error) {
	return trim(text(value), args.get(0, "chars", nil), true, true), nil
}

func truncate(_ *runtime, value any, args values) (any, error) {
	limit, err := count(args, 0, "length", 255)
	if err != nil {
		return nil, err
	}
	end := text(args.get(2, "end", "..."))
	leeway, err := count(args, 3, "leeway", 5)
	if args.get(3, "leeway", nil) == nil {
		leeway, err = 5, nil
	}
	if err != nil {
		return nil, err
	}
	runes := []rune(text(value))
	room := limit - len([]rune(end))
	switch {
	case room < 0 || leeway < 0:
		return nil, errorf("AssertionError", "expected length >= %d, got %d", len([]rune(end)), limit)
	case len(runes) <= limit+leeway:
		return string(runes), nil
	case truth(args.get(1, "killwords", false)):
		return string(runes[:room]) + end, nil
	}
	kept := string(runes[:room])
	if i := strings.LastIndexByte(kept, ' '); i >= 0 {
		kept = kept[:i]
	}
	return kept + end, nil
}

func urlEncode(r *runtime, value any, _ values) (any, error) {
	quote := func(s string, query bool) string {
		s = strings.ReplaceAll(url.QueryEscape(s), "%7E", "~")
		if !query {
			s = strings.ReplaceAll(strings.ReplaceAll(s, "+", "%20"), "%2F", "/")
		}
		return s
	}
	if s, ok := value.(string); ok {
		return quote(s, false), nil
	}
	items, isList := python.Items(value)
	if _, _, ok := python.Mapping(value); ok {
		items, _ = pairs(value)
		isList = true
	}
	if !isList {
		return quote(text(value), false), nil
	}
	var parts []string
	for _, item := range items {
		pair, err := r.iterate(item)
		if err != nil || len(pair) != 2 {
			return nil, errorf("ValueError", "urlencode needs pairs")
		}
		parts = append(parts, quote(text(pair[0]), true)+"="+quote(text(pair[1]), true))
	}
	return strings.Join(parts, "&"), nil
}

var wordPattern = lazyregexp.New(`[\pL\pN_]+`)

func wordCount(_ *runtime, value any, _ values) (any, error) {
	return len(wordPattern.FindAllString(text(value), -1)), nil
}

func wordWrap(_ *runtime, value any, args values) (any, error) {
	width, err := count(args, 0, "width", 79)
	if err != nil || width < 1 {
		return nil, errorf("ValueError", "invalid width %d (must be > 0)", width)
	}
	var lines []string
	for _, line := range strings.Split(text(value), "\n") {
		var current []rune
		for _, word := range strings.Fields(line) {
			runes := []rune(word)
			if len(current) > 0 && len(current)+1+len(runes) > width {
				lines, current = append(lines, string(current)), nil
			}
			if len(current) > 0 {
				current = append(current, ' ')
			}
			current = append(current, runes...)
			for len(current) > width && truth(args.get(1, "break_long_words", true)) {
				lines, current = append(lines, string(current[:width])), current[width:]
			}
		}
		lines = append(lines, string(current))
	}
	newline := "\n"
	if s, ok := args.get(2, "wrapstring", nil).(string); ok {
		newline = s
	}
	return joined(lines, newline)
}
