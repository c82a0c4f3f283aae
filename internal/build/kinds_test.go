package build

import (
	"os"
	"reflect"
	"regexp"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
)

// TestKinds checks that each key of an image that chooses its kind has that kind: its name
// in config.Image.Kind, its row in kinds, and its section in docs/images.md.
func TestKinds(t *testing.T) {
	page, err := os.ReadFile("../../docs/images.md")
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]*config.Image{"files": {}}
	for field := range reflect.TypeFor[config.Image]().Fields() {
		if field.Tag.Get("oneof") != "yes" {
			continue
		}
		i := &config.Image{}
		value := reflect.ValueOf(i).Elem().FieldByIndex(field.Index)
		switch field.Type.Kind() {
		case reflect.Pointer:
			value.Set(reflect.New(field.Type.Elem()))
		case reflect.String:
			value.SetString("x")
		default:
			t.Fatalf("the key %s is a %s", field.Tag.Get("yaml"), field.Type)
		}
		images[field.Tag.Get("yaml")] = i
	}
	for name, i := range images {
		if kind := i.Kind(); kind != name {
			t.Errorf("an image with the key %s has the kind %s", name, kind)
		}
		if k := kinds[name]; k.builder == nil || k.parameters == nil {
			t.Errorf("the kind %s has no row in kinds", name)
		}
		if !regexp.MustCompile(`(?m)^## .*\b` + name + `\b`).Match(page) {
			t.Errorf("docs/images.md has no section about the kind %s", name)
		}
	}
	for name := range kinds {
		if images[name] == nil {
			t.Errorf("no image has the kind %s", name)
		}
	}
}
