package printer

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks/report"
)

// TestSARIF checks a log against what SARIF 2.1.0 and GitHub's code scanning require:
// levels, indexes of rules, relative URIs and regions.
func TestSARIF(t *testing.T) {
	r := &report.Result{
		Rules: []report.Rule{{Name: "a", Summary: "s", Help: "h", Severity: "error"}, {Name: "b", Summary: "s", Help: "h", Severity: "warning"}},
		Problems: []report.Problem{
			{Position: report.Position{File: filepath.Join("dir with space", "ä.yml"), Line: 3, Column: 7}, Length: 2, Severity: "error", Name: "b", Message: "m", Hint: "do it"},
			{Position: report.Position{File: filepath.Join(os.TempDir(), "x.yml"), Line: 1}, Severity: "warning", Name: "a", Message: "m"},
			{Severity: "error", Name: "unlisted", Message: "m"},
		},
	}
	var b bytes.Buffer
	if err := SARIF(&b, r, "1"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID, HelpURI string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI, URIBaseID string }
						Region           *struct{ StartLine, StartColumn, EndColumn int }
					}
				}
			}
		}
	}
	decoder := json.NewDecoder(&b)
	if err := decoder.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-schema-2.1.0") || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "slipway" {
		t.Fatalf("the log is %+v", log)
	}
	run := log.Runs[0]
	for _, rule := range run.Tool.Driver.Rules {
		if u, err := url.Parse(rule.HelpURI); err != nil || !u.IsAbs() || u.Fragment != rule.ID {
			t.Errorf("the help of %s is at %s", rule.ID, rule.HelpURI)
		}
	}
	if len(run.Results) != len(r.Problems) {
		t.Fatalf("%d results", len(run.Results))
	}
	for i, result := range run.Results {
		if !slices.Contains([]string{"none", "note", "warning", "error"}, result.Level) || result.Message.Text == "" {
			t.Errorf("result %d is %+v", i, result)
		}
		if n := result.RuleIndex; n != nil && run.Tool.Driver.Rules[*n].ID != result.RuleID {
			t.Errorf("result %d has the index of %s", i, run.Tool.Driver.Rules[*n].ID)
		}
		for _, location := range result.Locations {
			at := location.PhysicalLocation
			u, err := url.Parse(at.ArtifactLocation.URI)
			if err != nil || u.IsAbs() != (at.ArtifactLocation.URIBaseID == "") || strings.Contains(at.ArtifactLocation.URI, " ") || strings.Contains(at.ArtifactLocation.URI, `\`) {
				t.Errorf("result %d is at %+v", i, at.ArtifactLocation)
			}
			if at.Region == nil || at.Region.StartLine < 1 || at.Region.EndColumn != 0 && at.Region.EndColumn <= at.Region.StartColumn {
				t.Errorf("result %d has the region %+v", i, at.Region)
			}
		}
	}
	if run.Results[2].RuleIndex != nil || run.Results[2].Locations != nil {
		t.Errorf("a problem without a rule or a place is %+v", run.Results[2])
	}
}
