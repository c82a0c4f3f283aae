package wheel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// candidate is a file that an index offers.
type candidate struct {
	file string
	// address is its URL, or its path if it is on this machine.
	address string
	// sum is empty and size is 0 if the index does not state them.
	sum    string
	size   int64
	python string
	yanked bool
}

// parsePage parses a project's page of the simple API, in JSON (PEP 691) or HTML (PEP 503).
// A page of links has the HTML form too.
func parsePage(text []byte, from *url.URL) ([]candidate, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return parseJSONPage(text, from)
	}
	return parseHTMLPage(text, from)
}

func parseJSONPage(text []byte, from *url.URL) ([]candidate, error) {
	var page struct {
		Meta struct {
			Version string `json:"api-version"`
		}
		Files []struct {
			Filename, URL string
			Hashes        map[string]string
			Size          int64
			Python        string `json:"requires-python"`
			Yanked        any
		}
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, err
	}
	if major, _, _ := strings.Cut(page.Meta.Version, "."); major != "" && major != "1" {
		return nil, fmt.Errorf("unsupported API version %s", page.Meta.Version)
	}
	var all []candidate
	for _, f := range page.Files {
		address, err := from.Parse(f.URL)
		if err != nil {
			continue
		}
		yanked := f.Yanked != nil && f.Yanked != false
		all = append(all, candidate{f.Filename, address.String(), strings.ToLower(f.Hashes["sha256"]), f.Size, f.Python, yanked})
	}
	return all, nil
}

func parseHTMLPage(text []byte, from *url.URL) ([]candidate, error) {
	var all []candidate
	tokens := html.NewTokenizer(bytes.NewReader(text))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if err := tokens.Err(); err != io.EOF { //nolint:errorlint // the tokenizer returns io.EOF itself
				return nil, err
			}
			return all, nil
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			attributes := map[string]string{}
			yanked := false
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
				yanked = yanked || a.Key == "data-yanked"
			}
			address, err := from.Parse(attributes["href"])
			switch {
			case err != nil || attributes["href"] == "":
			case token.Data == "base":
				from = address
			case token.Data == "a":
				sum, _ := strings.CutPrefix(address.Fragment, "sha256=")
				if sum = strings.ToLower(sum); !sha256Text.MatchString(sum) {
					sum = ""
				}
				address.Fragment, address.RawFragment = "", ""
				all = append(all, candidate{urlFile(address.String()), address.String(), sum, 0, attributes["data-requires-python"], yanked})
			}
		}
	}
}

// best returns the file that pip would choose for a requirement among those that are
// offered.
func (t target) best(r requirement, all []candidate) (candidate, bool) {
	fit := slices.DeleteFunc(slices.Clone(all), func(o candidate) bool {
		n, ok := parseFilename(o.file)
		return !ok || n.name != r.name || !sameVersion(n.version, r.version) || !t.accepts(n) || !t.isFor(o.python) || o.sum != "" && !slices.Contains(r.hashes, o.sum)
	})
	if len(fit) == 0 {
		return candidate{}, false
	}
	flag := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return slices.MinFunc(fit, func(a, b candidate) int {
		return cmp.Or(flag(a.sum == "")-flag(b.sum == ""), flag(a.yanked)-flag(b.yanked), t.rank(a.file)-t.rank(b.file), strings.Compare(b.file, a.file))
	}), true
}

// isFor reports whether the target's Python satisfies a Requires-Python specifier. Clauses
// that cannot be parsed are ignored, as in pip.
func (t target) isFor(python string) bool {
	for _, clause := range specifiers(python) {
		operator, version := cutSpecifier(clause)
		if holds, ok := satisfies(t.full, operator, version); ok && !holds {
			return false
		}
	}
	return true
}
