package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/markdown"
)

const keysBegin, keysEnd = "<!-- keys: made by go test ./internal/config -update -->\n", "<!-- end of keys -->\n"

// TestKeysAreDocumented compares the lists of keys of docs/configuration.md with the types.
func TestKeysAreDocumented(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "configuration.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), keysBegin)
	have, after, ended := strings.Cut(rest, keysEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the keys, between %q and %q", file, keysBegin, keysEnd)
	}
	var b strings.Builder
	document(t, &b, reflect.TypeFor[Config](), nil)
	want := b.String()
	if *update {
		if err := os.WriteFile(file, []byte(before+keysBegin+want+keysEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("%s (-update writes it)", diff)
	}
}

// document writes the list of the keys of a section, and those of the sections below it.
func document(t *testing.T, b *strings.Builder, of reflect.Type, path []string) {
	keys := keysOf(of, parentKey(path))
	if len(path) > 0 {
		fmt.Fprintf(b, "\n### %s\n", strings.Join(path, "."))
	}
	var one, rest []string
	b.WriteByte('\n')
	for _, k := range keys {
		checkTags(t, of.Field(k.field).Type, join(path, k.name), k)
		switch k.oneof {
		case "yes":
			one = append(one, "`"+k.name+"`")
		case "rest":
			rest = append(rest, "`"+k.name+"`")
		}
		value := valueOf(of.Field(k.field).Type, k)
		if k.required {
			value += ", required"
		}
		if k.defaultValue != "" {
			value += ", default `" + k.defaultValue + "`"
		}
		b.WriteString(markdown.Item(fmt.Sprintf("`%s` (%s): %s.", k.name, value, k.doc)))
	}
	switch {
	case len(rest) > 0:
		fmt.Fprintf(b, "\nOne of %s, or %s alone.\n", joinWords(one), joinWords(rest))
	case len(one) > 0:
		fmt.Fprintf(b, "\nExactly one of %s.\n", joinWords(one))
	}
	for _, k := range keys {
		switch below := of.Field(k.field).Type; {
		case k.name == "environments":
		case below.Kind() == reflect.Pointer && below.Elem().Kind() == reflect.Struct:
			document(t, b, below.Elem(), join(path, k.name))
		case below.Kind() == reflect.Map && below.Elem().Kind() == reflect.Pointer:
			document(t, b, below.Elem().Elem(), join(join(path, k.name), "NAME"))
		}
	}
}

// checkTags checks that the tags of a field are valid.
func checkTags(t *testing.T, of reflect.Type, path []string, k key) {
	t.Helper()
	if _, known := forms[k.form]; k.doc == "" || k.form != "" && !known {
		t.Errorf("%s has no doc, or a form that there is not: %+v", pathLabel(path), k)
	}
	if k.defaultValue == "" {
		return
	}
	d := newDecoder(FileName, nil)
	if d.decodeScalar(&yaml.Node{Kind: yaml.ScalarNode, Value: k.defaultValue}, reflect.New(of).Elem(), path, k); len(d.errs) > 0 {
		t.Errorf("the default of %s: %v", pathLabel(path), d.errs[0])
	}
}

// valueOf returns the description of the values that a key takes.
func valueOf(of reflect.Type, k key) string {
	switch {
	case of == reflect.TypeFor[time.Duration]():
		return "time"
	case len(k.enum) > 0:
		return "`" + strings.Join(k.enum, "` or `") + "`"
	}
	switch of.Kind() {
	case reflect.Pointer:
		return valueOf(of.Elem(), k)
	case reflect.Struct:
		return "mapping"
	case reflect.Map:
		if of.Elem().Kind() == reflect.Pointer {
			return "mapping by name"
		}
		return "mapping: " + valueOf(of.Elem(), k)
	case reflect.Slice:
		return "list: " + valueOf(of.Elem(), k)
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "whole number"
	case reflect.Float64:
		return "number"
	case reflect.Interface:
		return "any value"
	}
	switch k.form {
	case "slug", "dns":
		return "name"
	case "source":
		return "secret source"
	case "url":
		return "URL"
	case "path", "host", "platform":
		return k.form
	}
	return "text"
}
