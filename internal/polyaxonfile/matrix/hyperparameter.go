package matrix

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// maxValues is the maximum number of values of a hyperparameter.
const maxValues = 1 << 31

// hyperparameter is a param that a matrix varies: a list of values, or a distribution.
type hyperparameter struct {
	// count is the number of values, or 0 for a distribution.
	count int
	value func(n int) any
	draw  func(*generator) any
}

// newHyperparameter returns the hyperparameter for a shaped param. Its values are those
// of the NumPy function of the same name, which Polyaxon uses.
func newHyperparameter(p map[string]any) (hyperparameter, error) {
	kind, _ := p["kind"].(string)
	switch kind {
	case "choice":
		list, _ := p["value"].([]any)
		return discrete(len(list), func(n int) any { return list[n] })
	case "pchoice":
		return weighted(p["value"])
	}
	m, ok := p["value"].(map[string]any)
	if !ok {
		return hyperparameter{}, errors.New("slipway can only expand values, not a reference")
	}
	switch kind {
	case "range":
		return arithmetic(m)
	case "linspace", "logspace", "geomspace":
		return space(kind, m)
	case "daterange", "datetimerange":
		return dates(kind, m)
	}
	return distribution(kind, m)
}

// discrete returns a hyperparameter with count values that are equally probable.
func discrete(count int, value func(int) any) (hyperparameter, error) {
	if count < 1 {
		return hyperparameter{}, errors.New("the list of values is empty")
	}
	return hyperparameter{count, value, func(d *generator) any { return value(d.intN(count)) }}, nil
}

// weighted returns a hyperparameter for pairs of a value and its weight.
func weighted(value any) (hyperparameter, error) {
	list, _ := value.([]any)
	sums, values := make([]float64, len(list)), make([]any, len(list))
	total := 0.0
	for i, element := range list {
		pair, _ := element.([]any)
		weight := math.NaN()
		if len(pair) == 2 {
			weight = number(pair[1])
		}
		if !(weight >= 0 && weight <= 1) {
			return hyperparameter{}, errors.New("a pchoice is a list of pairs of a value and its probability")
		}
		total += weight
		sums[i], values[i] = total, pair[0]
	}
	if total == 0 {
		return hyperparameter{}, errors.New("the list of values is empty")
	}
	p, err := discrete(len(values), func(n int) any { return values[n] })
	p.draw = func(d *generator) any {
		at, n := d.uniform()*total, 0
		for n < len(sums)-1 && at >= sums[n] {
			n++
		}
		return values[n]
	}
	return p, err
}

// arithmetic implements numpy.arange: from start by step, without stop. The values are
// integers if start, stop and step are.
func arithmetic(m map[string]any) (hyperparameter, error) {
	start, stop, step := number(m["start"]), number(m["stop"]), number(m["step"])
	count, err := steps((stop - start) / step)
	if err != nil {
		return hyperparameter{}, fmt.Errorf("from %v to %v by %v: %w", start, stop, step, err)
	}
	isWhole := start == math.Trunc(start) && stop == math.Trunc(stop) && step == math.Trunc(step)
	by := start + step - start
	return discrete(count, func(n int) any {
		value := start + float64(float64(n)*by)
		if isWhole && math.Abs(value) < 1<<53 {
			return int(value)
		}
		return value
	})
}

// steps returns n, rounded up, as an int. It returns an error if that is out of range.
func steps(n float64) (int, error) {
	n = math.Ceil(n)
	switch {
	case !(n >= 1): // also true for NaN
		return 0, errors.New("there are no values")
	case n > maxValues:
		return 0, fmt.Errorf("%g values are too many", n)
	}
	return int(n), nil
}

// space implements numpy.linspace, logspace and geomspace: num values, including stop.
func space(kind string, m map[string]any) (hyperparameter, error) {
	start, stop, base, sign := number(m["start"]), number(m["stop"]), 10.0, 1.0
	count, err := steps(number(m["num"]))
	if err != nil {
		return hyperparameter{}, err
	}
	first, last := start, stop
	switch {
	case kind == "logspace" && m["base"] != nil:
		if base = number(m["base"]); base <= 0 {
			return hyperparameter{}, fmt.Errorf("a base of %v is not valid", base)
		}
	case kind == "geomspace":
		if start < 0 && stop < 0 {
			sign = -1
		}
		if start *= sign; start <= 0 || stop*sign <= 0 {
			return hyperparameter{}, errors.New("a geomspace cannot contain or cross 0")
		}
		start, stop = log10(start), log10(stop*sign)
	}
	by := (stop - start) / math.Max(float64(count-1), 1)
	return discrete(count, func(n int) any {
		at := start + float64(float64(n)*by)
		if n > 0 && n == count-1 {
			at = stop
		}
		switch {
		case kind == "linspace":
			return at
		case kind == "geomspace" && n == 0:
			return first
		case kind == "geomspace" && n == count-1:
			return last
		}
		return sign * power(base, at)
	})
}

// dates returns the dates or times from start to stop, without stop, by days or by
// seconds. Times are in UTC and are written without a zone, as Polyaxon does.
func dates(kind string, m map[string]any) (hyperparameter, error) {
	read, write, unit := "2006-01-02", "2006-01-02", 24*time.Hour
	if kind == "datetimerange" {
		read, write, unit = "2006-01-02T15:04:05.999999-07:00", "2006-01-02T15:04:05.999999", time.Second
	}
	var ends [2]time.Time
	for i, key := range []string{"start", "stop"} {
		text, _ := m[key].(string)
		at, err := time.Parse(read, text)
		if err != nil {
			return hyperparameter{}, fmt.Errorf("%s is not a valid time", key)
		}
		ends[i] = at.UTC()
	}
	step := time.Duration(math.Round(number(m["step"]) * float64(unit)))
	if step <= 0 {
		return hyperparameter{}, errors.New("the step must be above 0")
	}
	count, err := steps(float64(ends[1].Sub(ends[0])) / float64(step))
	if err != nil {
		return hyperparameter{}, fmt.Errorf("from %v to %v: %w", m["start"], m["stop"], err)
	}
	return discrete(count, func(n int) any { return ends[0].Add(time.Duration(n) * step).Format(write) })
}

// distribution draws from one of NumPy's distributions. A quantized one rounds to
// multiples of q.
func distribution(kind string, m map[string]any) (hyperparameter, error) {
	base, isQuantized := strings.CutPrefix(kind, "q")
	base, isLog := strings.CutPrefix(base, "log")
	from, by := number(m["low"]), number(m["high"])
	draw := func(d *generator) float64 { return d.uniform() }
	switch base {
	case "uniform":
		if by -= from; by < 0 {
			return hyperparameter{}, errors.New("low must not be above high")
		}
	case "normal":
		if from, by = number(m["loc"]), number(m["scale"]); by < 0 {
			return hyperparameter{}, errors.New("scale must not be below 0")
		}
		draw = (*generator).normal
	default:
		return hyperparameter{}, fmt.Errorf("unknown kind %q", kind)
	}
	q := number(m["q"])
	if isQuantized && q == 0 {
		return hyperparameter{}, errors.New("q must not be 0")
	}
	return hyperparameter{draw: func(d *generator) any {
		value := from + float64(draw(d)*by)
		if isLog {
			value = powerOfE(value)
		}
		if isQuantized {
			value = math.RoundToEven(value/q) * q
		}
		return value
	}}, nil
}

// number returns a number as float64, and 0 for any other value.
func number(value any) float64 {
	switch x := value.(type) {
	case int:
		return float64(x)
	case float64:
		return x
	}
	return 0
}
