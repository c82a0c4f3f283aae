package check

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// fitness is how well a scalar fits a form.
type fitness int

const (
	mismatch    fitness = iota
	convertible         // a server converts it
	exact
)

// fit checks a scalar against a form. Polyaxon 1 converts more values than version 2. If
// no version is given, fit accepts what either of them accepts.
func (v *validator) fit(c schema.Choice, value any, p *file.Place) fitness {
	if v.stage == file.StageRun {
		if c.Form == schema.Text && v.environmentValue() {
			return exact // Polyaxon converts it to text
		}
		return fitKubernetes(c, value)
	}
	date := p != nil && p.IsDate()
	first, second := mismatch, mismatch
	if v.isVersion1() || v.anyVersion() {
		first = fit1(c, value, date)
	}
	if !v.isVersion1() {
		second = fit2(c, value, date)
	}
	return max(first, second)
}

// environmentValue reports whether the current value is that of a variable: env.0.value.
func (v *validator) environmentValue() bool {
	n := len(v.path)
	return n > 2 && v.path[n-1] == "value" && v.path[n-3] == "env"
}

// fit2 returns how well a scalar fits a form of Polyaxon 2, as observed with 2.18.
func fit2(c schema.Choice, value any, date bool) fitness {
	text, isText := value.(string)
	isText = isText && !date
	switch c.Form {
	case schema.Any:
		return exact
	case schema.Value:
		return when(value != nil, exact)
	case schema.Text:
		return when(isText, exact)
	case schema.Name:
		return when(isText && shape.IsName(text), exact)
	case schema.Enum:
		return when(isText && slices.Contains(c.Words, text), exact)
	case schema.Bool:
		return fitBool(value)
	case schema.Int:
		return when(isInt(value), exact)
	case schema.LooseInt:
		return fitInt(value, true)
	case schema.Count, schema.LooseCount:
		if n, ok := numeric(value); ok && n <= 0 {
			return mismatch
		}
		return fitInt(value, c.Form == schema.LooseCount)
	case schema.StrictFloat:
		_, ok := numeric(value)
		return when(ok, exact)
	case schema.Float, schema.Positive:
		n, ok := numeric(value)
		switch {
		case ok:
			return when(c.Form == schema.Float || n >= 0, exact)
		case value == true || value == false || isText && isNumber(text):
			return convertible
		}
	case schema.Date:
		return when(date && len(text) == len("2006-01-02") || isText && shape.IsDate(text), exact)
	case schema.DateTime:
		_, ok := numeric(value)
		return max(when(date || isText && shape.IsDateTime(text), exact), when(ok || isText && isNumber(text), convertible))
	case schema.Duration:
		_, ok := numeric(value)
		return max(when(ok || isText && isDuration(text), exact), when(value == true || value == false, convertible))
	case schema.Mapping:
		return when(isText && c.Object.Compact && c.Object.Fields[0].Type[0].Form == schema.Float && isCompact(c.Object, text), exact)
	}
	return mismatch
}

// fit1 returns how well a scalar fits a form of Polyaxon 1.11.3, according to its tables.
func fit1(c schema.Choice, value any, date bool) fitness {
	text, isText := value.(string)
	_, isNum := numeric(value)
	switch c.Form {
	case schema.Moment:
		return when(isText && !date && len(text) > len("2006-01-02") && shape.IsDateTime(text), exact)
	case schema.Int, schema.LooseInt, schema.Count, schema.LooseCount:
		if n, ok := numeric(value); ok && n < 1 && (c.Form == schema.Count || c.Form == schema.LooseCount) {
			return mismatch
		}
		switch {
		case isInt(value):
			return exact
		case isNum, isText && isNumber(text) && !strings.Contains(text, "."):
			return convertible
		}
		return mismatch
	case schema.Float, schema.StrictFloat, schema.Positive:
		return max(when(isNum, exact), when(isText && !date && isNumber(text), convertible))
	}
	return fit2(c, value, date)
}

// fitKubernetes returns how well a scalar fits a form of Kubernetes.
func fitKubernetes(c schema.Choice, value any) fitness {
	text, isText := value.(string)
	switch c.Form {
	case schema.Any:
		return exact
	case schema.Text:
		return when(isText, exact)
	case schema.Enum:
		return when(isText && slices.Contains(c.Words, text), exact)
	case schema.Bool:
		_, ok := value.(bool)
		return when(ok, exact)
	case schema.Int:
		return when(isInt(value), exact)
	case schema.IntOrText:
		return when(isText || isInt(value), exact)
	case schema.Quantity:
		_, isBool := value.(bool)
		_, ok := types.Quantity(value)
		return when(!isBool && ok, exact)
	}
	return mismatch
}

func when(ok bool, f fitness) fitness {
	if ok {
		return f
	}
	return mismatch
}

func fitBool(value any) fitness {
	switch x := value.(type) {
	case bool:
		return exact
	case string:
		switch strings.ToLower(x) {
		case "0", "off", "f", "false", "n", "no", "1", "on", "t", "true", "y", "yes":
			return convertible
		}
		return mismatch
	}
	n, ok := numeric(value)
	return when(ok && (n == 0 || n == 1), convertible)
}

func fitInt(value any, fromText bool) fitness {
	switch x := value.(type) {
	case bool:
		return convertible
	case float64:
		return when(x == math.Trunc(x) && !math.IsInf(x, 0), convertible)
	case string:
		_, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(x), ".0"), 10, 64)
		return when(fromText && err == nil, convertible)
	}
	return when(isInt(value), exact)
}

func isInt(value any) bool {
	switch value.(type) {
	case int, *big.Int:
		return true
	}
	return false
}

func numeric(value any) (float64, bool) {
	switch x := value.(type) {
	case int:
		return float64(x), true
	case *big.Int:
		f, _ := x.Float64()
		return f, true
	case float64:
		return x, true
	}
	return 0, false
}

func isNumber(text string) bool {
	text = strings.TrimSpace(text)
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && !strings.ContainsAny(text, "xXpP")
}

var duration = lazyregexp.New(`^[-+]?P(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$|^(?:\d+ ?d(?:ays?)?,? ?)?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$`)

func isDuration(text string) bool { return duration.MatchString(text) && !strings.HasSuffix(text, "P") }

// isCompact reports whether a text consists of an object's numbers, joined by colons.
func isCompact(o *schema.Object, text string) bool {
	parts := strings.Split(text, ":")
	return len(parts) >= len(o.Required(schema.Version{})) && len(parts) <= len(o.Fields) &&
		!slices.ContainsFunc(parts, func(part string) bool { return !isNumber(part) })
}
