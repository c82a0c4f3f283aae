package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/github/githubtest"
)

// mustBeClean fails the test if one of the secrets is in a sink. After a job has printed them, only
// what slipway shows counts: Polyaxon itself keeps the lines of jobs as they are.
func (c *canaries) mustBeClean(when string) {
	c.t.Helper()
	c.mu.Lock()
	text := c.log.String()
	c.mu.Unlock()
	for name, text := range map[string]string{"the log, or a request to MLflow": text, "the comment": c.comment()} {
		if form := canaryIn([]byte(text)); form != "" {
			at := strings.Index(text, form)
			c.t.Errorf("%s: %s has %s: …%s", when, name, form, text[max(0, at-200):at+len(form)])
		}
	}
	places := []string{c.out}
	if !c.loud {
		places = append(places, filepath.Join(c.dir, ".slipway"))
	}
	for _, place := range places {
		for _, file := range c.search(place) {
			if !strings.Contains(file, "/sandbox/kubernetes/secrets/") {
				c.t.Errorf("%s: %s", when, file)
			}
		}
	}
	for _, name := range []string{"output", "summary.md", "reports/summary.md", "reports/result.json", "reports/metrics.txt", "reports/codequality.json"} {
		if info, err := os.Stat(filepath.Join(c.out, name)); err != nil || info.Size() == 0 {
			c.t.Errorf("%s: there is no %s to look into: %v", when, name, err)
		}
	}
}

// comment returns the text of the comment, and fails the test unless there is one.
func (c *canaries) comment() string {
	c.t.Helper()
	all := c.github.Comments()
	if len(all) != 1 {
		c.t.Fatalf("there are %d comments", len(all))
	}
	return all[0].Body
}

// search returns the files below a directory that have a canary, in which form. It looks into what is
// compressed.
func (c *canaries) search(dir string) (found []string) {
	c.t.Helper()
	c.walk(dir, func(path string, text []byte) {
		if form := canaryIn(text); form != "" {
			found = append(found, filepath.ToSlash(path)+" has "+form)
		}
	})
	return found
}

// inImage reports whether a blob of the registry has a text.
func (c *canaries) inImage(text string) (found bool) {
	c.walk(filepath.Join(c.dir, ".slipway", "sandbox", "registry"), func(_ string, blob []byte) { found = found || bytes.Contains(blob, []byte(text)) })
	return found
}

// walk calls visit with the content of each file, and again with what it unpacks to.
func (c *canaries) walk(dir string, visit func(path string, text []byte)) {
	c.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		visit(path, text)
		if zipped, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			if text, err = io.ReadAll(zipped); err != nil {
				return err
			}
			visit(path, text)
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
}

// canaryIn returns the form in which a text has a canary, or the token of the workflow, or "".
func canaryIn(text []byte) string {
	forms := []string{canary, hex.EncodeToString([]byte(canary)), githubtest.Token}
	for before := range 3 { // the alignments of base64, without the characters that depend on what is around
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + canary))
		forms = append(forms, encoded[(before*8+5)/6:(before+len(canary))*8/6])
	}
	for _, form := range forms {
		if bytes.Contains(text, []byte(form)) {
			return form
		}
	}
	return ""
}
