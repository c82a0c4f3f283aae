package compile

import (
	"fmt"
	"math"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
)

// TestExpandLikeServer compares the runs that slipway expands a matrix into with those
// that a real server creates: their number and their values must be the same. Powers may
// differ in the last digit, because NumPy's results differ between processors.
func TestExpandLikeServer(t *testing.T) {
	host := server(t)
	ask(t, http.MethodPost, host+"/api/v1/default/projects/create", map[string]any{"name": "matrices"}, nil)
	runs := host + "/api/v1/default/matrices/runs"
	type question struct {
		kind, matrix, uuid string // kind is the type of the inputs
		drawn              bool
		want               *matrix.Expansion
	}
	questions := []question{
		{kind: "float", matrix: `{kind: grid, params: {b: {kind: range, value: [1, 6, 2]}, a: {kind: range, value: "0:1:0.25"}}, numRuns: 5}`},
		{kind: "int", matrix: `{kind: grid, params: {a: {kind: range, value: {start: 1, stop: 6, step: 2}}, b: {kind: linspace, value: [1, 10, 4]}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: range, value: [0.1, 0.75, 0.1]}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: linspace, value: [0.1, 0.7, 7]}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: linspace, value: [0, 1, 1]}, b: {kind: logspace, value: [-5, 2, 4]}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: logspace, value: "1:4:4:2"}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: logspace, value: {start: 0.5, stop: 3, num: 3, base: 7}}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: geomspace, value: [0.001, 5, 6]}}}`},
		{kind: "float", matrix: `{kind: grid, params: {a: {kind: geomspace, value: [-1000, -1, 4]}}}`},
		{kind: "date", matrix: `{kind: grid, params: {a: {kind: daterange, value: ["2019-06-22", "2019-06-27", 2]}}}`},
		{kind: "date", matrix: `{kind: grid, params: {a: {kind: daterange, value: {start: "2019-06-22", stop: "2019-06-26", step: 2}}}}`},
		{kind: "datetime", matrix: `{kind: grid, params: {a: {kind: datetimerange, value: ["2019-06-22 21:00", "2019-06-23 00:30", 3600]}}}`},
		{kind: "datetime", matrix: `{kind: grid, params: {a: {kind: datetimerange, value: ["2019-06-22T21:00:00+02:00", "2019-06-22T23:00:00+02:00", 3600]}}}`},
		{kind: "any", matrix: `{kind: grid, params: {a: {kind: choice, value: [1, 1, true, x, {x: 1}, [2]]}}}`},
		{kind: "any", matrix: `{kind: mapping, values: [{a: 1, b: 2}, {a: 3}, {a: 1, b: 2}]}`},
		{kind: "any", drawn: true, matrix: `{kind: random, numRuns: 5, seed: 7, params: {a: {kind: choice, value: [1, 2]}}}`},
		{kind: "any", drawn: true, matrix: `{kind: random, numRuns: 5, seed: 7, params: {a: {kind: pchoice, value: [[x, 0.5], [y, 0.25]]}}}`},
		{kind: "float", drawn: true, matrix: `{kind: random, numRuns: 3, seed: 7, params: {a: {kind: uniform, value: [1, 2]}}}`},
	}
	for i := range questions {
		q := &questions[i]
		o := operationOf(t, q.matrix, q.kind)
		expansion, err := matrix.Expand(o)
		if err != nil {
			t.Fatalf("%s: %v", q.matrix, err)
		}
		q.want = expansion
		var made struct{ UUID string }
		ask(t, http.MethodPost, runs, map[string]any{"content": string(o.JSON())}, &made)
		q.uuid = made.UUID
	}
	for _, q := range questions {
		var list struct {
			Count   int
			Results []struct{ UUID string }
		}
		for deadline := time.Now().Add(2 * time.Minute); list.Count < len(q.want.Suggestions) && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			ask(t, http.MethodGet, runs+"?limit=100&query=pipeline:"+q.uuid, nil, &list)
		}
		if list.Count != len(q.want.Suggestions) {
			t.Errorf("%s: the server makes %d runs, slipway %d", q.matrix, list.Count, len(q.want.Suggestions))
			continue
		}
		if q.drawn {
			continue
		}
		var got, want []map[string]any
		for _, r := range list.Results {
			var run struct{ Inputs map[string]any }
			ask(t, http.MethodGet, runs+"/"+r.UUID, nil, &run)
			got = append(got, normalizeInputs(run.Inputs))
		}
		for _, s := range q.want.Suggestions {
			want = append(want, normalizeInputs(s.Params))
		}
		byValues(got)
		byValues(want)
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-14, 0)); diff != "" {
			t.Errorf("%s: slipway (-), the server (+): %s", q.matrix, diff)
		}
	}
}

func operationOf(t *testing.T, matrix, kind string) *operation.Operation {
	t.Helper()
	o, err := operation.Parse(fmt.Appendf(nil, `{version: 1.1, kind: operation, matrix: %s, component: {
  inputs: [{name: a, type: %[2]s, isOptional: true}, {name: b, type: %[2]s, isOptional: true}],
  run: {kind: job, container: {image: x, command: ["true"]}}}}`, matrix, kind))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// normalizeInputs removes inputs without a value, converts all numbers to one type, and writes
// midnight in the form that servers use.
func normalizeInputs(inputs map[string]any) map[string]any {
	m := map[string]any{}
	for name, value := range inputs {
		switch x := value.(type) {
		case nil:
			continue
		case int:
			m[name] = float64(x)
		case string:
			m[name] = strings.TrimSuffix(x, "T00:00:00")
		default:
			m[name] = plainNumbers(value)
		}
	}
	return m
}

// plainNumbers converts the integers in a value to the type that JSON has.
func plainNumbers(value any) any {
	text, err := python.ParseJSON(python.JSON(value))
	if err != nil {
		return value
	}
	switch x := text.(type) {
	case map[string]any:
		for key, element := range x {
			x[key] = plainNumbers(element)
		}
	case []any:
		for i, element := range x {
			x[i] = plainNumbers(element)
		}
	case int:
		return float64(x)
	}
	return text
}

// byValues sorts rows by their values. Values that are nearly equal get the same place.
func byValues(rows []map[string]any) {
	key := func(row map[string]any) string {
		text := ""
		for _, name := range plain.Keys(row) {
			if f, ok := row[name].(float64); ok && f != 0 {
				text += fmt.Sprintf("%s=%+.6f;", name, math.Copysign(1e6+math.Log(math.Abs(f)), f))
				continue
			}
			text += fmt.Sprintf("%s=%v;", name, row[name])
		}
		return text
	}
	sort.Slice(rows, func(i, j int) bool { return key(rows[i]) < key(rows[j]) })
}
