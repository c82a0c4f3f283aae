package image

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestRetag(t *testing.T) {
	f := &faults{next: inMemory()}
	r := serve(t, f)
	push := func(name, text string, tags ...string) *Pushed {
		t.Helper()
		s := filesSpec(files{"a": text}.write(t), "a")
		s.Name = name
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		pushed, err := r.Push(t.Context(), recipe, tags, nil)
		must(t, err)
		return pushed
	}
	train := push("train", "1", "abc")
	push("api", "1", "abc")
	push("old", "1", "other")

	f.during(nil)
	_, err := r.Retag(t.Context(), []string{"train", "old", "api", "never"}, "abc", "v1", false)
	var missing *MissingError
	if !errors.As(err, &missing) || strings.Join(missing.Names, " ") != "old never" {
		t.Errorf("%v", err)
	}
	unchanged(t, f)

	done, err := r.Retag(t.Context(), []string{"train", "api"}, "abc", "v1", false)
	must(t, err)
	if len(done) != 2 || done[0].UpToDate || done[0].Reference != train.Reference || !strings.HasSuffix(done[0].Tag.String(), "/train:v1") {
		t.Errorf("%+v", done)
	}
	f.during(nil)
	again, err := r.Retag(t.Context(), []string{"train", "api"}, "abc", "v1", false)
	must(t, err)
	if !again[0].UpToDate || !again[1].UpToDate {
		t.Errorf("%+v", again)
	}
	unchanged(t, f)

	newer := push("train", "2", "def")
	push("api", "2", "def")
	f.during(nil)
	var taken *TakenError
	if _, err := r.Retag(t.Context(), []string{"train", "api"}, "def", "v1", false); !errors.As(err, &taken) || !strings.Contains(err.Error(), "--force moves it") {
		t.Errorf("%v", err)
	}
	unchanged(t, f)
	moved, err := r.Retag(t.Context(), []string{"train", "api"}, "def", "v1", true)
	must(t, err)
	if moved[0].UpToDate || moved[0].Reference != newer.Reference {
		t.Errorf("%+v", moved)
	}
	if _, err := r.Retag(t.Context(), []string{"train"}, "def", "v 1", false); err == nil {
		t.Error("a bad tag is taken")
	}
}

func unchanged(t *testing.T, f *faults) {
	t.Helper()
	requests, _ := f.log()
	for _, request := range requests {
		if !strings.HasPrefix(request, http.MethodGet) && !strings.HasPrefix(request, http.MethodHead) {
			t.Errorf("it is changed by %s", request)
		}
	}
}
