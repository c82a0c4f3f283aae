package polyaxonfile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func expandedFrom(t *testing.T, matrix string) (string, int, error) {
	t.Helper()
	o := &Operation{}
	text := `{"kind":"operation","version":1.1,"params":{"other":{"value":1}},"matrix":` + matrix + `,"component":{"run":{"kind":"job"}}}`
	if err := json.Unmarshal([]byte(text), &o.root); err != nil {
		t.Fatal(err)
	}
	suggestions, concurrency, err := o.Expand()
	var rows []string
	for _, s := range suggestions {
		text, err := json.Marshal(s.Params)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(text))
		for name, value := range s.Params {
			if sent := fmt.Sprintf("%q:{\"value\":", name); !strings.Contains(string(s.Operation.JSON()), sent) {
				t.Errorf("%s = %v is not sent: %s", name, value, s.Operation.JSON())
			}
		}
		if strings.Contains(string(s.Operation.JSON()), "matrix") || !strings.Contains(string(s.Operation.JSON()), `"other"`) {
			t.Errorf("sent: %s", s.Operation.JSON())
		}
	}
	return strings.Join(rows, " "), concurrency, err
}

func TestExpand(t *testing.T) {
	for matrix, want := range map[string]string{
		`{"kind":"grid","params":{"b":{"kind":"choice","value":["x","y"]},"a":{"kind":"range","value":[1,4,2]}}}`: `{"a":1,"b":"x"} {"a":1,"b":"y"} {"a":3,"b":"x"} {"a":3,"b":"y"}`,
		`{"kind":"grid","numRuns":1,"params":{"a":{"kind":"range","value":"0:1:0.5"}}}`:                           `{"a":0}`,
		`{"kind":"grid","params":{"a":{"kind":"linspace","value":{"start":0,"stop":1,"num":3}}}}`:                 `{"a":0} {"a":0.5} {"a":1}`,
		`{"kind":"grid","params":{"a":{"kind":"logspace","value":"0:2:3"}}}`:                                      `{"a":1} {"a":10} {"a":100}`,
		`{"kind":"grid","params":{"a":{"kind":"choice","value":[1,1]}}}`:                                          `{"a":1}`,
		`{"kind":"mapping","values":[{"a":1,"b":2},{"a":3,"b":4}]}`:                                               `{"a":1,"b":2} {"a":3,"b":4}`,
	} {
		if got, _, err := expandedFrom(t, matrix); got != want || err != nil {
			t.Errorf("%s: %s, %v", matrix, got, err)
		}
	}
	const drawn = `{"kind":"random","numRuns":20,"concurrency":3,"params":{"a":{"kind":"uniform","value":[1,2]},"b":{"kind":"qnormal","value":{"loc":0,"scale":1,"q":0.5}},"c":{"kind":"pchoice","value":[["x",0.5],["y",0.5]]}}}`
	first, concurrency, err := expandedFrom(t, drawn)
	again, _, _ := expandedFrom(t, drawn)
	seeded, _, _ := expandedFrom(t, strings.Replace(drawn, `"numRuns"`, `"seed":7,"numRuns"`, 1))
	if err != nil || first != again || first == seeded || strings.Count(first, "{") != 20 || concurrency != 3 {
		t.Errorf("%s\n%s\n%s\n%d, %v", first, again, seeded, concurrency, err)
	}
	for matrix, want := range map[string]string{
		`{"kind":"hyperband","params":{}}`:                                                                         "chooses its next runs by how others ended",
		`{"kind":"grid","params":{"a":{"kind":"uniform","value":[0,1]}}}`:                                          "does not expand",
		`{"kind":"grid","params":{"a":{"kind":"range","value":[0,1,0]}}}`:                                          "not 0",
		`{"kind":"grid","params":{"a":{"kind":"range","value":[0,1e9,1]}}}`:                                        "1 to 1000",
		`{"kind":"random","params":{}}`:                                                                            "numRuns",
		`{"kind":"mapping","values":[]}`:                                                                           "no runs",
		`{"kind":"grid","params":{"a":{"kind":"range","value":[0,100,1]},"b":{"kind":"range","value":[0,100,1]}}}`: "more than 1000",
	} {
		if _, _, err := expandedFrom(t, matrix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", matrix, err)
		}
	}
	o, err := ParseOperation([]byte(`{"kind":"operation","component":{"run":{"kind":"job"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if suggestions, _, err := o.Expand(); suggestions != nil || err != nil {
		t.Errorf("no matrix: %v, %v", suggestions, err)
	}
}
