package matrix

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

func expanded(t *testing.T, matrix string) (*Expansion, error) {
	t.Helper()
	f, problems := file.Load("operation", []byte(`{"kind":"operation","version":1.1,"params":{"other":{"value":1}},"matrix":`+matrix+`,"component":{"run":{"kind":"job"}}}`))
	if f.Root() == nil {
		t.Fatal(problems)
	}
	return Expand(operation.New(f.Root()))
}

// rowsOf returns the params of all runs as text, and checks that each operation passes
// them.
func rowsOf(t *testing.T, matrix string) (*Expansion, string) {
	t.Helper()
	expansion, err := expanded(t, matrix)
	if err != nil {
		t.Fatalf("%s: %v", matrix, err)
	}
	var rows []string
	for _, s := range expansion.Suggestions {
		sent := string(s.Operation.JSON())
		rows = append(rows, python.JSON(s.Params))
		for name, value := range s.Params {
			if want := fmt.Sprintf("%q:{\"value\":%s}", name, python.JSON(value)); !strings.Contains(sent, want) {
				t.Errorf("%s is not sent: %s", want, sent)
			}
		}
		if strings.Contains(sent, "matrix") || !strings.Contains(sent, `"other"`) {
			t.Errorf("sent: %s", sent)
		}
	}
	return expansion, strings.Join(rows, " ")
}

func TestExpand(t *testing.T) {
	for matrix, want := range map[string]string{
		`{kind: grid, params: {b: {kind: choice, value: [x, y]}, a: {kind: range, value: [1, 4, 2]}}}`:              `{"a":1,"b":"x"} {"a":1,"b":"y"} {"a":3,"b":"x"} {"a":3,"b":"y"}`,
		`{kind: grid, numRuns: 3, params: {b: {kind: choice, value: [x, y]}, a: {kind: range, value: [1, 4, 2]}}}`:  `{"a":1,"b":"x"} {"a":1,"b":"y"} {"a":3,"b":"x"}`,
		`{kind: grid, numRuns: 1, params: {a: {kind: range, value: "0:1000000:1"}}}`:                                `{"a":0}`,
		`{kind: grid, params: {a: {kind: range, value: "0:1:0.5"}}}`:                                                `{"a":0.0} {"a":0.5}`,
		`{kind: grid, params: {a: {kind: logspace, value: "-5:-3:3"}}}`:                                             `{"a":0.00001} {"a":0.0001} {"a":0.001}`,
		`{kind: grid, params: {a: {kind: geomspace, value: [-100, -1, 3]}}}`:                                        `{"a":-100.0} {"a":-10.0} {"a":-1.0}`,
		`{kind: grid, params: {a: {kind: linspace, value: [2, 3, 1]}}}`:                                             `{"a":2.0}`,
		`{kind: grid, params: {a: {kind: choice, value: [1, 1]}}}`:                                                  `{"a":1} {"a":1}`,
		`{kind: grid, params: {a: {kind: datetimerange, value: [2019-06-22 23:00, 2019-06-23 00:30, "01:00:00"]}}}`: `{"a":"2019-06-22T23:00:00"} {"a":"2019-06-23T00:00:00"}`,
		`{kind: mapping, values: [{a: 1, b: 2}, {a: 3}]}`:                                                           `{"a":1,"b":2} {"a":3}`,
	} {
		if _, got := rowsOf(t, matrix); got != want {
			t.Errorf("%s: %s", matrix, got)
		}
	}
	repeated, _ := rowsOf(t, `{kind: mapping, concurrency: 3, values: [{a: 1}, {a: 2}, {a: 1}]}`)
	if s := repeated.Suggestions; s[0].Repeat != 0 || s[1].Repeat != 0 || s[2].Repeat != 1 || repeated.Concurrency != 3 {
		t.Errorf("%+v", repeated)
	}
	o, err := operation.Parse([]byte(`{"kind":"operation","component":{"run":{"kind":"job"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if expansion, err := Expand(o); expansion != nil || err != nil {
		t.Errorf("no matrix: %v, %v", expansion, err)
	}
}

// TestRandomMatrix checks the draws of a random matrix: they are the same each time and
// on every machine, they are within their distributions, no run occurs twice, and the
// first runs stay the same when there are more.
func TestRandomMatrix(t *testing.T) {
	const spaces = `{a: {kind: uniform, value: [1, 2]}, b: {kind: qnormal, value: {loc: 0, scale: 1, q: 0.5}}, c: {kind: pchoice, value: [[x, 0.5], [y, 0.5]]}, d: {kind: lognormal, value: "0:1"}}`
	drawn := func(options string) string {
		_, rows := rowsOf(t, `{kind: random, params: `+spaces+`, `+options+`}`)
		return rows
	}
	three := drawn("numRuns: 3")
	if want := `{"a":1.751820906630905,"b":-1.0,"c":"x","d":0.3295863035322029} {"a":1.1894217691275295,"b":0.5,"c":"y","d":2.043829341897145} {"a":1.8499971669226238,"b":0.5,"c":"x","d":1.9734515211966708}`; three != want {
		t.Errorf("drawn: %s", three)
	}
	if more := drawn("numRuns: 5, concurrency: 2"); !strings.HasPrefix(more, three+" ") {
		t.Errorf("more runs begin with others: %s", more)
	}
	if seeded, again := drawn("numRuns: 3, seed: 7"), drawn("seed: 7, numRuns: 3"); seeded == three || seeded != again {
		t.Errorf("seeded: %s and %s", seeded, again)
	}
	for space, want := range map[string]int{`{kind: choice, value: [1, 2]}`: 2, `{kind: range, value: [0, 1000000, 1]}`: 50, `{kind: pchoice, value: [[1, 0.2], [2, 0.3]]}`: 2} {
		expansion, rows := rowsOf(t, `{kind: random, numRuns: 50, params: {a: `+space+`}}`)
		if len(expansion.Suggestions) != want {
			t.Errorf("%s: %s", space, rows)
		}
	}
}

// TestDistributions compares the mean and the standard deviation of the draws with those
// of the distributions.
func TestDistributions(t *testing.T) {
	e := math.E
	wanted := map[string][4]float64{ // mean, standard deviation, minimum, maximum
		`{kind: uniform, value: [2, 5]}`:             {3.5, math.Sqrt(0.75), 2, 5},
		`{kind: quniform, value: [0, 10, 0.5]}`:      {5, 10 / math.Sqrt(12), 0, 10},
		`{kind: loguniform, value: [0, 2]}`:          {(e*e - 1) / 2, math.Sqrt((e*e*e*e-1)/4 - (e*e-1)*(e*e-1)/4), 1, e * e},
		`{kind: qloguniform, value: [0, 2, 0.01]}`:   {(e*e - 1) / 2, math.Sqrt((e*e*e*e-1)/4 - (e*e-1)*(e*e-1)/4), 1, e * e},
		`{kind: normal, value: [5, 2]}`:              {5, 2, -10, 20},
		`{kind: qnormal, value: [5, 2, 0.01]}`:       {5, 2, -10, 20},
		`{kind: lognormal, value: [0, 0.5]}`:         {math.Exp(0.125), math.Sqrt((math.Exp(0.25) - 1) * math.Exp(0.25)), 0, 30},
		`{kind: qlognormal, value: [0, 0.5, 0.001]}`: {math.Exp(0.125), math.Sqrt((math.Exp(0.25) - 1) * math.Exp(0.25)), 0, 30},
	}
	// Each run is an operation that is checked, so four distributions share a matrix.
	for four := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), 4) {
		expansion, _ := rowsOf(t, `{kind: random, seed: 1, numRuns: 1000, params: {a: `+four[0]+`, b: `+four[1]+`, c: `+four[2]+`, d: `+four[3]+`}}`)
		for i, space := range four {
			want, sum, squares := wanted[space], 0.0, 0.0
			for _, s := range expansion.Suggestions {
				value := s.Params[[]string{"a", "b", "c", "d"}[i]].(float64)
				if value < want[2] || value > want[3] {
					t.Errorf("%s draws %v", space, value)
				}
				sum, squares = sum+value, squares+value*value
			}
			mean := sum / 1000
			deviation := math.Sqrt(squares/1000 - mean*mean)
			if math.Abs(mean-want[0]) > want[1]/6 || math.Abs(deviation/want[1]-1) > 0.15 {
				t.Errorf("%s: mean %v, deviation %v", space, mean, deviation)
			}
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	for matrix, want := range map[string]string{
		`{kind: hyperband, params: {}, maxIterations: 1, eta: 2, resource: {name: a, type: int}, metric: {name: a}}`: "matrix.kind: slipway cannot expand hyperband, which chooses",
		`{kind: bayes, params: {}, numInitialRuns: 1, maxIterations: 1, metric: {name: a}}`:                          "matrix.kind: slipway cannot expand bayes",
		`{kind: hyperopt, params: {}, numRuns: 1, metric: {name: a}}`:                                                "matrix.kind: slipway cannot expand hyperopt",
		`{kind: iterative, maxIterations: 1}`:                                                                        "matrix.kind: slipway cannot expand iterative",
		`{kind: grid, params: {a: {kind: uniform, value: [0, 1]}}}`:                                                  "matrix.params.a.kind: a grid cannot enumerate a distribution",
		`{kind: grid, params: {a: {kind: range, value: [0, 1, 0]}}}`:                                                 "matrix.params.a.value: from 0 to 1 by 0",
		`{kind: grid, params: {a: {kind: range, value: [0, 1, -1]}}}`:                                                "there are no values",
		`{kind: grid, params: {a: {kind: range, value: [0, 1]}}}`:                                                    "matrix.params.a.value",
		`{kind: grid, params: {a: {kind: range, value: [0, 1e9, 1]}}}`:                                               "1000000000 runs are more than the limit of 1000",
		`{kind: grid, params: {a: {kind: geomspace, value: [-1, 1, 3]}}}`:                                            "cannot contain or cross 0",
		`{kind: grid, params: {a: {kind: linspace, value: [0, 1, 0]}}}`:                                              "there are no values",
		`{kind: grid, params: {a: {kind: logspace, value: [0, 1, 2, 0]}}}`:                                           "a base of 0",
		`{kind: grid, params: {a: {kind: choice, value: []}}}`:                                                       "the list of values is empty",
		`{kind: grid, params: {a: {kind: choice, value: "{{ x }}"}}}`:                                                "matrix.params.a.value",
		`{kind: grid, params: {a: {kind: daterange, value: [2019-01-02, 2019-01-01, 1]}}}`:                           "there are no values",
		`{kind: random, params: {a: {kind: uniform, value: [1, 0]}}, numRuns: 2}`:                                    "low must",
		`{kind: random, params: {a: {kind: normal, value: [1, -1]}}, numRuns: 2}`:                                    "scale",
		`{kind: random, params: {a: {kind: quniform, value: [0, 1, 0]}}, numRuns: 2}`:                                "q must not be 0",
		`{kind: random, params: {a: {kind: pchoice, value: [[x, 0]]}}, numRuns: 2}`:                                  "the list of values is empty",
		`{kind: random, params: {a: {kind: choice, value: [1]}}}`:                                                    "matrix.numRuns",
		`{kind: random, params: {a: {kind: uniform, value: [0, 1]}}, numRuns: 1001}`:                                 "matrix.numRuns: 1001 runs",
		`{kind: mapping, values: []}`:                                                                                "it has no runs",
		`{kind: mapping, values: "{{ x }}"}`:                                                                         "matrix.values",
		`{kind: grid, concurrency: "{{ x }}", params: {a: {kind: choice, value: [1]}}}`:                              "matrix.concurrency",
		`{kind: grid, params: {a: {kind: range, value: [0, 100, 1]}, b: {kind: range, value: [0, 100, 1]}}}`:         "10000 runs are more than the limit of 1000",
		`{kind: mapping, values: [{a: 1}], earlyStopping: [{kind: metric_early_stopping, metric: m, value: 1, optimization: maximize, policy: {kind: median, evaluationInterval: 1}}]}`: "matrix.earlyStopping.0.policy: slipway cannot compare",
		`{kind: mapping, values: [{a: 1}], earlyStopping: [{kind: failure_early_stopping, percent: 0}]}`:                                                                                "matrix.earlyStopping.0.percent",
	} {
		_, err := expanded(t, matrix)
		if wrong := new(Error); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", matrix, err)
		}
	}
}

func TestEarlyStopping(t *testing.T) {
	expansion, _ := rowsOf(t, `{kind: mapping, values: [{a: 1}], earlyStopping: [{kind: metric_early_stopping, metric: loss, value: 0.1, optimization: minimize},
        {kind: metric_early_stopping, metric: accuracy, value: 0.9, optimization: maximize}, {kind: failure_early_stopping, percent: 50}]}`)
	loss, accuracy, failures := expansion.Stopping[0], expansion.Stopping[1], expansion.Stopping[2]
	for _, c := range []struct {
		name string
		got  bool
		want bool
	}{
		{"loss 0.1", loss.Reached(map[string]float64{"loss": 0.1}), true},
		{"loss 0.2", loss.Reached(map[string]float64{"loss": 0.2}), false},
		{"no loss", loss.Reached(map[string]float64{"accuracy": 0}), false},
		{"accuracy 0.9", accuracy.Reached(map[string]float64{"accuracy": 0.9}), true},
		{"accuracy 0.8", accuracy.Reached(map[string]float64{"accuracy": 0.8}), false},
		{"a metric's failures", loss.Exceeded(4, 4), false},
		{"2 of 4", failures.Exceeded(2, 4), true},
		{"1 of 4", failures.Exceeded(1, 4), false},
		{"none of none", failures.Exceeded(0, 0), false},
		{"failures' metric", failures.Reached(map[string]float64{"": 1}), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.name, c.got)
		}
	}
}

// TestExact compares powers and logarithms with those of package math, whose last digit
// may differ.
func TestExact(t *testing.T) {
	near := func(what string, got, want float64) {
		if got != want && math.Abs(got-want) > 1e-14*math.Abs(want) {
			t.Errorf("%s is %v, not %v", what, got, want)
		}
	}
	for _, x := range []float64{1e-300, 0.1, 0.999999, 1, 2, math.E, 10, 12345.678, 1e300} {
		near(fmt.Sprint("log ", x), logarithm(x), math.Log(x))
		near(fmt.Sprint("log10 ", x), log10(x), math.Log10(x))
		for _, at := range []float64{-3, -2.5, -1, 0, 0.5, 1, 3} {
			near(fmt.Sprint(x, "^", at), power(x, at), math.Pow(x, at))
		}
	}
	near("e^700", powerOfE(700), math.Exp(700))
	if power(10, 2) != 100 || power(10, -5) != 1e-5 || log10(1000) != 3 || power(10, 400) != math.Inf(1) || power(10, -400) != 0 {
		t.Error("a power that is known is another one")
	}
}
