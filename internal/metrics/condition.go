package metrics

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Condition is what a metric of a job must meet, such as ">= 0.9" or "<= base + 1%".
type Condition struct {
	text, operator string
	// OfBase reports whether the bound is relative to the metric of the base's run.
	OfBase bool
	// offset is the bound itself or, if OfBase is set, what is added to the value of the base. It is a part
	// of the absolute value of that if percent is set.
	offset  float64
	percent bool
}

// conditionPattern matches a condition: an operator, and a number or base with what is added to it.
var conditionPattern = lazyregexp.New(`^(>=|<=|==|>|<)\s*(?:(` + numberPattern + `)|base(?:\s*([+-])\s*(` + unsignedPattern + `)(%)?)?)$`)

const (
	unsignedPattern = `(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?`
	numberPattern   = `[+-]?` + unsignedPattern
)

// maxCondition is the maximum length of a condition, in bytes.
const maxCondition = 200

// ConditionForm describes the syntax of a condition.
const ConditionForm = `a comparison such as ">= 0.9", "< 1e3" or "<= base + 1%", with one of >= <= > < == and a number, or base with + or - a number or percentage`

// ParseCondition parses a condition. An error says what is wrong with it.
func ParseCondition(text string) (*Condition, error) {
	trimmed := strings.TrimSpace(text)
	if len(trimmed) > maxCondition {
		return nil, fmt.Errorf("it has more than %d bytes", maxCondition)
	}
	m := conditionPattern.FindStringSubmatch(trimmed)
	if m == nil {
		return nil, errors.New("it is not a comparison")
	}
	c := &Condition{text: trimmed, operator: m[1], OfBase: m[2] == "", percent: m[5] != ""}
	amount := m[2]
	if c.OfBase {
		amount = m[3] + m[4]
	}
	if amount == "" {
		return c, nil
	}
	var err error
	if c.offset, err = strconv.ParseFloat(amount, 64); err != nil {
		return nil, fmt.Errorf("%s is too large", amount)
	}
	return c, nil
}

// String returns the condition as it was written.
func (c *Condition) String() string { return c.text }

// HigherIsBetter reports whether the condition asks for a value that is high.
func (c *Condition) HigherIsBetter() bool { return c.operator[0] == '>' }

// Bound returns what the value is compared with, given the value of the base. That is ignored unless
// OfBase is set.
func (c *Condition) Bound(base float64) float64 {
	switch {
	case !c.OfBase:
		return c.offset
	case c.percent:
		return base + math.Abs(base)*c.offset/100
	}
	return base + c.offset
}

// Holds reports whether a value meets the condition, given its Bound. NaN meets none.
func (c *Condition) Holds(value, bound float64) bool {
	switch c.operator {
	case ">=":
		return value >= bound
	case "<=":
		return value <= bound
	case ">":
		return value > bound
	case "<":
		return value < bound
	}
	return value == bound
}
