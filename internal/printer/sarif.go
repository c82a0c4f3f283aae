package printer

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	homepage    = "https://github.com/slipway-ci/slipway"
	// rulesPage is the page with a section for each rule.
	rulesPage = homepage + "/blob/main/docs/lints.md#"
	// sarifRoot stands for the directory that paths are relative to. GitHub uses the
	// repository's root.
	sarifRoot = "%SRCROOT%"
)

// SARIF writes r's problems in the Static Analysis Results Interchange Format 2.1.0,
// which GitHub's code scanning and editors read. version is that of slipway.
func SARIF(w io.Writer, r *report.Result, version string) error {
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0"}
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "slipway", Version: version, InformationURI: homepage, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, rule := range r.Rules {
		one := sarifRule{ID: rule.Name, Short: sarifText{rule.Summary}, Full: sarifText{rule.Help}, Help: sarifText{rule.Help}, HelpURI: rulesPage + rule.Name}
		one.Default.Level = rule.Severity
		index[rule.Name] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, one)
	}
	for _, p := range r.Problems {
		run.Results = append(run.Results, sarifProblem(p, index))
	}
	log.Runs = []sarifRun{run}
	return encode(w, log)
}

func sarifProblem(p report.Problem, index map[string]int) sarifResult {
	text := p.Message
	if len(p.Versions) > 0 {
		text += ", on Polyaxon " + strings.Join(p.Versions, " and ")
	}
	if p.Hint != "" {
		text += ". " + strings.ToUpper(p.Hint[:1]) + p.Hint[1:]
	}
	result := sarifResult{RuleID: p.Name, Level: p.Severity, Message: sarifText{text + "."}}
	if n, ok := index[p.Name]; ok {
		result.RuleIndex = &n
	}
	if p.File == "" {
		return result
	}
	location := sarifLocation{}
	location.Physical.Artifact = sarifArtifact(p.File)
	if p.Line > 0 {
		region := &sarifRegion{StartLine: p.Line, StartColumn: p.Column}
		if p.Column > 0 && p.Length > 0 {
			region.EndColumn = p.Column + p.Length
		}
		if p.Source != "" {
			region.Snippet = &sarifText{p.Source}
		}
		location.Physical.Region = region
	}
	result.Locations = []sarifLocation{location}
	return result
}

// sarifArtifact returns the URI of a file: relative if it is below the working directory,
// and otherwise absolute.
func sarifArtifact(path string) sarifURI {
	slashed := filepath.ToSlash(path)
	if filepath.IsLocal(path) {
		return sarifURI{URI: (&url.URL{Path: slashed}).EscapedPath(), Base: sarifRoot}
	}
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	return sarifURI{URI: (&url.URL{Scheme: "file", Path: slashed}).String()}
}

// The objects of SARIF 2.1.0.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Short   sarifText `json:"shortDescription"`
		Full    sarifText `json:"fullDescription"`
		Help    sarifText `json:"help"`
		HelpURI string    `json:"helpUri"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact sarifURI     `json:"artifactLocation"`
			Region   *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		EndColumn   int        `json:"endColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
	sarifURI struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
)
