package wheel

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/panics"
)

func TestEnvironmentOfPrograms(t *testing.T) {
	s := Spec{Environ: []string{"PATH=/bin", "HOME=/home", "AWS_SECRET_ACCESS_KEY=x", "PIP_INDEX_URL=https://u:p@x.example", "PIP_TARGET=/x", "PIP_REQUIRE_VIRTUALENV=1",
		"UV_INDEX_OURS_PASSWORD=p", "UV_PROJECT=x", "https_proxy=http://proxy", "PYTHONPATH=/x", "POETRY_HTTP_BASIC_X_PASSWORD=p"}}
	got := s.environment()
	want := []string{"PATH=/bin", "HOME=/home", "PIP_INDEX_URL=https://u:p@x.example", "UV_INDEX_OURS_PASSWORD=p", "https_proxy=http://proxy", "POETRY_HTTP_BASIC_X_PASSWORD=p"}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(got, "PIP_NO_INPUT=1") || slices.Contains(got, "PIP_REQUIRE_VIRTUALENV=1") {
		t.Errorf("%q", got)
	}
}

func TestIndexes(t *testing.T) {
	project := "[tool.uv]\nindex-url = 'https://old.example'\n[[tool.uv.index]]\nname = 'our-own'\nurl = 'https://own.example/simple'\n[[tool.uv.index]]\nurl = 'https://anon.example'\n"
	for what, c := range map[string]struct {
		environ []string
		list    lockContent
		want    []string
	}{
		"nothing":   {nil, lockContent{}, nil},
		"variables": {[]string{"TOKEN=abc"}, lockContent{options: []string{"--index-url https://${TOKEN}@x.example/${NONE}"}}, []string{"TOKEN=abc", "NONE="}},
		"uv": {[]string{"UV_INDEX_OUR_OWN_USERNAME=me", "UV_INDEX_OUR_OWN_PASSWORD=p/w", "PIP_EXTRA_INDEX_URL=https://first.example"}, lockContent{indexes: uvIndexes([]byte(project))},
			[]string{"PIP_EXTRA_INDEX_URL=https://first.example https://me:p%2Fw@own.example/simple https://anon.example https://old.example"}},
		"uv's variables": {[]string{"UV_DEFAULT_INDEX=main=https://main.example", "UV_INDEX_MAIN_USERNAME=me", "UV_EXTRA_INDEX_URL=https://a.example/?x=y https://b.example", "UV_INDEX=c=https://c.example"}, lockContent{},
			[]string{"PIP_INDEX_URL=https://me:@main.example", "PIP_EXTRA_INDEX_URL=https://c.example https://a.example/?x=y https://b.example"}},
		"pip before uv":      {[]string{"PIP_INDEX_URL=https://p.example", "UV_DEFAULT_INDEX=https://u.example"}, lockContent{}, nil},
		"a lock's indexes":   {nil, lockContent{indexes: []string{"https://most.example", "https://few.example"}, defaultFirst: true}, []string{"PIP_EXTRA_INDEX_URL=https://most.example https://few.example"}},
		"a mirror in place":  {[]string{"PIP_INDEX_URL=https://mirror.example"}, lockContent{indexes: []string{"https://most.example", "https://few.example"}, defaultFirst: true}, []string{"PIP_EXTRA_INDEX_URL=https://few.example"}},
		"no index in place":  {[]string{"PIP_NO_INDEX=1"}, lockContent{indexes: []string{"https://most.example"}, defaultFirst: true}, nil},
		"project is no TOML": {nil, lockContent{indexes: uvIndexes([]byte("="))}, nil},
	} {
		if diff := cmp.Diff(c.want, Spec{Environ: c.environ}.indexEnvironment(&c.list)); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
}

func TestLastLinesHaveNoCredentials(t *testing.T) {
	got := lastLines("Looking at https://me:secret@x.example/simple\nERROR: cannot read https://tok%2Fen@x.example/simple\n")
	if want := "cannot read https://***@x.example/simple"; got != want {
		t.Errorf("%q", got)
	}
	if got := lastLines(strings.Repeat("line\n", 100)); strings.Count(got, "\n") != 11 {
		t.Errorf("%q", got)
	}
}

// TestPanicInLineHandler panics in the function that is called with each line. The program must
// end, and its caller must get the panic.
func TestPanicInLineHandler(t *testing.T) {
	p := program{args: []string{os.Args[0], "-test.run=^TestPanicInLineHandler$"}, environ: append(os.Environ(), "ASKED=1"), line: func(string) { panic("provoked") }}
	if os.Getenv("ASKED") != "" {
		fmt.Println("Downloading numpy")
		time.Sleep(time.Minute)
	}
	err := panics.Catch("", func() error {
		_, _, err := p.run(t.Context())
		return err
	})
	if fault := new(panics.Error); !errors.As(err, &fault) || fault.Value != "provoked" {
		t.Errorf("%v", err)
	}
}
