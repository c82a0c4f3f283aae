package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPasswords finds the passwords in the addresses of a file, wherever they stand.
func TestPasswords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slipway.yaml")
	text := "project: p\nsystem-mirrors: {'http://deb.example.com/debian': 'https://anna:one%21@mirror.acme.dev/debian'}\n" +
		"images: {a: {dockerfile: D, build-args: {INDEX: '--index-url https://u:two@pypi.acme.dev/simple --extra http://u:three@x'}}}\n" +
		"jobs: {j: {polyaxonfile: j.yml, params: {db: 'postgres://u:four@db/x', more: ['git+ssh://git@host/x', {a: 'redis://:five@r'}]}}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path, Options{Lookup: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(c.Passwords(), func(s string) bool { return s == "" })
	slices.Sort(got)
	if want := []string{"five", "four", "one!", "one%21", "three", "two"}; !slices.Equal(got, want) {
		t.Errorf("have %q, want %q", got, want)
	}
}
