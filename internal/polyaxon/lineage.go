package polyaxon

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

// Lineage is an artifact that a run has registered.
type Lineage struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Path    string         `json:"path"`
	Summary map[string]any `json:"summary"`
	IsInput bool           `json:"is_input"`
}

// UnmarshalJSON implements json.Unmarshaler. It is lenient, since servers guarantee only
// the name.
func (l *Lineage) UnmarshalJSON(encoded []byte) error {
	var raw struct {
		Name    text            `json:"name"`
		Kind    text            `json:"kind"`
		Path    text            `json:"path"`
		Summary json.RawMessage `json:"summary"`
		IsInput bool            `json:"is_input"`
	}
	if err := json.Unmarshal(encoded, &raw); err != nil {
		return err
	}
	*l = Lineage{Name: string(raw.Name), Kind: string(raw.Kind), Path: string(raw.Path), IsInput: raw.IsInput}
	_ = json.Unmarshal(raw.Summary, &l.Summary) // a summary that is not a map is left out
	return nil
}

// Lineage returns the first 1,000 artifacts that a run has registered.
func (c *Client) Lineage(ctx context.Context, project, uuid string) ([]Lineage, error) {
	var all []Lineage
	for len(all) < 1000 {
		var page struct {
			Count   int       `json:"count"`
			Results []Lineage `json:"results"`
		}
		values := url.Values{"limit": {"100"}, "offset": {strconv.Itoa(len(all))}}
		if err := c.get(ctx, c.run(project, uuid, "lineage", "artifacts"), values, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Results...)
		if len(page.Results) == 0 || len(all) >= page.Count {
			break
		}
	}
	return all, nil
}

// AddLineage registers artifacts of a run. The request is sent once.
func (c *Client) AddLineage(ctx context.Context, project, uuid string, artifacts []Lineage) error {
	sent := slices.Clone(artifacts)
	for i := range sent {
		if sent[i].Summary == nil {
			// Polyaxon 2.18 responds to a null summary with 405 and an empty page.
			sent[i].Summary = map[string]any{}
		}
	}
	return c.send(ctx, http.MethodPost, c.run(project, uuid, "lineage", "artifacts"), map[string]any{"artifacts": sent}, nil)
}
