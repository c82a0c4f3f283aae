package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const canary = "canary/in a+mine=\"7\""

func TestValueIsNeverPrinted(t *testing.T) {
	v := NewValue([]byte(canary))
	type holder struct {
		Value   Value
		Pointer *Value
		Map     map[string]Value
	}
	in := holder{v, &v, map[string]Value{"key": v}}
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%100s"} {
		if strings.Count(verb, "%") == 2 {
			fmt.Fprintf(&all, verb, v, v)
			continue
		}
		fmt.Fprintf(&all, verb, v)
		fmt.Fprintf(&all, verb, in.Map)
	}
	fmt.Fprintf(&all, "%v %+v", in, &in)
	encoded, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	all.Write(encoded)
	slog.New(slog.NewTextHandler(&all, nil)).Info("told", "value", v, "in", in)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("told", "value", v)
	fmt.Fprint(&all, fmt.Errorf("wrapped: %v", v))
	for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary)), fmt.Sprintf("%x", canary)} {
		if strings.Contains(all.String(), form) {
			t.Errorf("printed as %q", form)
		}
	}
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size int) {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key", 9)
	write("empty", 0)
	write("large", MaxSize+1)
	r := &Resolver{Dir: dir, Remotes: map[string]Remote{"gcp-secret-manager": kept{"projects/p/secrets/s": canary, "projects/p/secrets/s/versions/2": canary}}, Lookup: func(name string) (string, bool) {
		value, ok := map[string]string{"TOKEN": canary, "EMPTY": ""}[name]
		return value, ok
	}}
	tried := map[string]bool{}
	for text, want := range map[string]string{
		"env:TOKEN": "", "file:key": "", "file:" + filepath.Join(dir, "key"): "",
		"env:OTHER":    "the environment variable OTHER is not set",
		"env:EMPTY":    "the environment variable EMPTY is empty",
		"file:nowhere": "no such file",
		"file:.":       "read the secret",
		"file:empty":   "the secret file:empty is empty",
		"file:large":   "larger than 1 MiB",
		"env:":         "not a secret source",
		"file:":        "not a secret source",
		"env:a b":      "not a secret source",
		canary:         "not a secret source",
		"vault:x":      "not a secret source",
		"":             "not a secret source",
		"gcp-secret-manager:projects/p/secrets/s":              "",
		"gcp-secret-manager:projects/p/secrets/s/versions/2":   "",
		"gcp-secret-manager:projects/p/secrets/t":              "projects/p/secrets/t: no such secret",
		"gcp-secret-manager:projects/P/secrets/s":              "not a secret source",
		"gcp-secret-manager:projects/p/secrets/s/versions/2/x": "not a secret source",
	} {
		s, err := ParseSource(text)
		if err == nil {
			tried[s.Scheme] = true
			var v Value
			if v, err = r.Resolve(t.Context(), s); err == nil && v.Len() == 0 {
				t.Errorf("%s gives nothing", text)
			}
		}
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), canary):
			t.Errorf("the error shows the value: %v", err)
		}
	}
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range schemes() {
		if !tried[s.name] {
			t.Errorf("no case has the secret source %s", s.form)
		}
		if !strings.Contains(string(page), "`"+s.name+":") {
			t.Errorf("docs/configuration.md does not have the secret source %s", s.form)
		}
	}
}

// kept are the values of a service, by name.
type kept map[string]string

// Read implements Remote.
func (k kept) Read(_ context.Context, name string) (Value, error) {
	if k[name] == "" {
		return Value{}, errors.New(name + ": no such secret")
	}
	return NewValue([]byte(k[name])), nil
}

// TestRemoteSources reads a source of a service once, and knows it from the others.
func TestRemoteSources(t *testing.T) {
	values := kept{"projects/p/secrets/s": "a"}
	r := &Resolver{Remotes: map[string]Remote{"gcp-secret-manager": values}}
	s := Source{"gcp-secret-manager", "projects/p/secrets/s"}
	for range 2 {
		if v, err := r.Resolve(t.Context(), s); err != nil || string(v.Reveal()) != "a" {
			t.Errorf("%s, %v", v.Reveal(), err)
		}
		values["projects/p/secrets/s"] = "b"
	}
	if !s.IsRemote() || (Source{"env", "A"}).IsRemote() || (Source{"vault", "A"}).IsRemote() {
		t.Error("the wrong sources are remote")
	}
	if _, err := (&Resolver{}).Resolve(t.Context(), s); err == nil {
		t.Error("a service without access has a value")
	}
}

func TestCancelledResolve(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&Resolver{}).Resolve(ctx, Source{"env", "X"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDockerConfigFormat(t *testing.T) {
	b := DockerConfig("gcp-imagepullsecrets", "https://asia.gcr.io", NewValue([]byte(`{"type": "service_account"}`+"\n")))
	var config struct {
		Auths map[string]struct{ Username, Password, Auth string }
	}
	if err := json.Unmarshal(b.Data[".dockerconfigjson"].Reveal(), &config); err != nil {
		t.Fatal(err)
	}
	server := config.Auths["https://asia.gcr.io"]
	auth, err := base64.StdEncoding.DecodeString(server.Auth)
	if err != nil || string(auth) != server.Username+":"+server.Password || server.Username != "_json_key" || b.Type != TypeDockerConfig {
		t.Errorf("%s %v %+v", b.Type, err, server)
	}
}

// memory is a Store in memory. The change with the number fail, counted from 1, fails.
type memory struct {
	secrets map[string]Stored
	fail    int
	applied []string
}

func (m *memory) List(context.Context) ([]Stored, error) {
	var all []Stored
	for _, s := range m.secrets {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Stored) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (m *memory) Read(_ context.Context, names []string) ([]Stored, error) {
	var found []Stored
	for _, name := range names {
		if s, ok := m.secrets[name]; ok {
			found = append(found, s)
		}
	}
	return found, nil
}

func (m *memory) change(name string) error {
	if m.fail--; m.fail == 0 {
		return fmt.Errorf("the API server is away")
	}
	m.applied = append(m.applied, name)
	return nil
}

func (m *memory) Apply(_ context.Context, b Bundle, _ bool) error {
	if err := m.change(b.Name); err != nil {
		return err
	}
	m.secrets[b.Name] = Stored{Name: b.Name, Type: b.Type, Data: b.Data, Managed: true, Project: b.Project}
	return nil
}

func (m *memory) Delete(_ context.Context, name string) error {
	if err := m.change(name); err != nil {
		return err
	}
	delete(m.secrets, name)
	return nil
}

func TestSyncCanBeRepeated(t *testing.T) {
	data := func(text string) map[string]Value { return map[string]Value{"key": NewValue([]byte(text))} }
	want := []Bundle{Opaque("changed", data("new")), Opaque("new", data("new")), Opaque("same", data("same"))}
	for i := range want {
		want[i].Project = "story"
	}
	for fail := 1; fail <= 4; fail++ {
		m := &memory{fail: fail, secrets: map[string]Stored{
			"changed": {Name: "changed", Type: TypeOpaque, Data: data("old"), Managed: true, Project: "story"},
			"same":    {Name: "same", Type: TypeOpaque, Data: data("same"), Managed: true, Project: "story"},
			"gone":    {Name: "gone", Type: TypeOpaque, Data: data("old"), Managed: true, Project: "story"},
			"others":  {Name: "others", Type: TypeOpaque, Data: data("old"), Managed: true, Project: "another"},
			"manual":  {Name: "manual", Type: TypeOpaque, Data: data("old")},
		}}
		_, err := Sync(t.Context(), m, Wanted{Project: "story", Bundles: want, Prune: true})
		if (err != nil) != (fail <= 3) {
			t.Fatalf("fault at %d: %v", fail, err)
		}
		if _, err := Sync(t.Context(), m, Wanted{Project: "story", Bundles: want, Prune: true}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(m.applied)
		if !slices.Equal(m.applied, []string{"changed", "gone", "new"}) {
			t.Errorf("fault at %d: changed %v", fail, m.applied)
		}
		changes, err := Plan(t.Context(), m, Wanted{Project: "story", Bundles: want, Prune: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if c.Action != Unchanged {
				t.Errorf("fault at %d: after two syncs %s would still %s", fail, c.Name, c.Action)
			}
		}
	}
}

func TestAnotherTypeIsRefused(t *testing.T) {
	m := &memory{secrets: map[string]Stored{"x": {Name: "x", Type: TypeDockerConfig}}}
	if _, err := Sync(t.Context(), m, Wanted{Project: "story", Bundles: []Bundle{Opaque("x", nil)}}); err == nil || !strings.Contains(err.Error(), "delete the secret first") {
		t.Errorf("got %v", err)
	}
}

// TestConflicts compares a Secret with one whose fields have other managers. A field that
// already has its value is no conflict, and a key that slipway.yaml drops stays if another
// manager has set it.
func TestConflicts(t *testing.T) {
	value := func(text string) Value { return NewValue([]byte(text)) }
	old := Stored{Name: "x", Type: TypeOpaque, Managed: true, Project: "story",
		Data:   map[string]Value{"a": value("1"), "b": value("1"), "same": value("1"), "shared": value("1"), "dropped": value("1"), "theirs": value("1")},
		Own:    map[string]bool{".data.a": true, ".data.same": true, ".data.shared": true, ".data.dropped": true},
		Others: map[string][]string{".data.a": {"kubectl-edit", "helm"}, ".data.b": {"helm"}, ".data.same": {"helm"}, ".data.shared": {"helm"}, ".data.theirs": {"helm"}},
	}
	m := &memory{secrets: map[string]Stored{"x": old}}
	b := Opaque("x", map[string]Value{"a": value("2"), "b": value("2"), "same": value("1"), "new": value("1")})
	b.Project = "story"
	want := Wanted{Project: "story", Bundles: []Bundle{b}}
	_, err := Sync(t.Context(), m, want)
	conflict := new(ConflictError)
	if !errors.As(err, &conflict) || len(m.applied) > 0 || err.Error() != "secret x: the field manager helm owns .data.a, .data.b; the field manager kubectl-edit owns .data.a, "+
		"with other values than slipway.yaml (slipway secrets sync --force-conflicts takes them over)" {
		t.Errorf("%v; applied %q", err, m.applied)
	}
	want.Force = true
	changes, err := Sync(t.Context(), m, want)
	keys := "[{x update [{a update} {b update} {dropped prune} {new create} {same unchanged}]}]"
	if got := fmt.Sprint(changes); err != nil || got != keys || len(m.applied) != 1 {
		t.Errorf("%s, %v", got, err)
	}
	old.Managed, old.Others = false, map[string][]string{".metadata.labels.app.kubernetes.io/managed-by": {"helm"}}
	m.secrets["x"], want.Force = old, false
	if _, err := Sync(t.Context(), m, want); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "helm owns .metadata.labels.app.kubernetes.io/managed-by") {
		t.Errorf("a label: %v", err)
	}
}
