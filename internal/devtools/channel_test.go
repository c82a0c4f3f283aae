package devtools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestChannel asks for the channels of releases, of which only the newest one is the latest.
func TestChannel(t *testing.T) {
	t.Chdir(t.TempDir())
	say(t, "git", "init", "-q")
	say(t, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "t")
	tag, err := headTag(t.Context())
	if err != nil || tag != "" {
		t.Errorf("without a tag: %q, %v", tag, err)
	}
	for _, tag := range []string{"v1", "v1.2.9", "v1.3.0-rc.1", "v1.3.0", "v1.10.0", "v2", "vast"} {
		say(t, "git", "tag", tag)
	}
	if tag, err = headTag(t.Context()); err != nil || tag != "v1.10.0" {
		t.Errorf("the tag of HEAD is %q, %v", tag, err)
	}
	check := func(tag, want string) {
		t.Helper()
		if got, err := channel(t.Context(), tag); got != want || err != nil {
			t.Errorf("the channel of %s is %q, %v, want %q", tag, got, err, want)
		}
	}
	check("v1.10.0", latest)
	check("v1.3.0", "")
	check("v1.2.9", "")
	check("v1.3.0-rc.1", "")
	say(t, "git", "tag", "v2.0.0-rc.1")
	check("v2.0.0-rc.1", next)
	check("v1.10.0", latest)
	say(t, "git", "tag", "v2.0.0")
	check("v2.0.0-rc.1", "")
	check("v1.10.0", "")
}

// TestOlderLine evaluates what goreleaser.yaml says of the cask and of GitHub's latest release.
func TestOlderLine(t *testing.T) {
	var config struct {
		Release struct {
			MakeLatest string `yaml:"make_latest"`
		}
		Casks []struct {
			SkipUpload string `yaml:"skip_upload"`
		} `yaml:"homebrew_casks"`
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(testenv.Root(t), "goreleaser.yaml"))), &config); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ channel, token, cask, latest string }{
		{"latest", "t", "auto", "true"}, {"latest", "", "true", "true"}, {"", "t", "true", "false"}, {"next", "t", "true", "false"},
	} {
		evaluate := func(text string) string {
			var b strings.Builder
			parsed, err := template.New("").Funcs(template.FuncMap{"envOrDefault": func(name, _ string) string {
				return map[string]string{"RELEASE_CHANNEL": c.channel, "HOMEBREW_TAP_TOKEN": c.token}[name]
			}}).Parse(text)
			if err == nil {
				err = parsed.Execute(&b, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		if cask, latest := evaluate(config.Casks[0].SkipUpload), evaluate(config.Release.MakeLatest); cask != c.cask || latest != c.latest {
			t.Errorf("%+v: the cask is skipped: %s, latest: %s", c, cask, latest)
		}
	}
}

// TestReleaseTrigger checks which tags start a release: versions, but not v1, which moves.
func TestReleaseTrigger(t *testing.T) {
	for file, starting := range map[string]map[string]bool{
		".github/workflows/release.yml": {"v1.2.3": true, "v1.10.0-rc.1": true, "v1": false, "v1.2": false, "vast": false, "x/v1.2.3": false},
		"workflows/release.yml":         {"v1.2.3": true, "v1.10.0-rc.1": true, "v1.2": true, "v2026.11": true, "v1": false, "v1.x": false, "vendored": false, "x/v1.2.3": false},
	} {
		text, err := os.ReadFile(filepath.Join(testenv.Root(t), filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		var workflow struct {
			On struct{ Push struct{ Tags []string } }
		}
		if err := yaml.Unmarshal(text, &workflow); err != nil || len(workflow.On.Push.Tags) != 1 {
			t.Fatal(file, workflow, err)
		}
		// GitHub's filters are like regular expressions, but * is any text without a slash.
		pattern := lazyregexp.New("^" + strings.NewReplacer(".", `\.`, "*", "[^/]*").Replace(workflow.On.Push.Tags[0]) + "$")
		for tag, starts := range starting {
			if pattern.MatchString(tag) != starts {
				t.Errorf("%s: the tag %s starts a release: %v", file, tag, !starts)
			}
		}
	}
}
