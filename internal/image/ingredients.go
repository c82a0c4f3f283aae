package image

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ingredientsType is that of the document by which a later build tells what it changes. It
// is attached to an image as its attestations are.
const ingredientsType = "application/vnd.slipway.ingredients.v1+json"

// ingredients say what an image is made of, each thing by its name with what tells it
// from another: for people, and no part of an identity.
type ingredients struct {
	Base     string            `json:"base,omitempty"`
	Files    map[string]string `json:"files,omitempty"`
	Packages map[string]string `json:"packages,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
}

// describe gives the ingredients of a recipe whose packages are known. Of variables it has
// a hash only.
func (r *Recipe) describe() ingredients {
	c := ingredients{Files: map[string]string{}, Packages: map[string]string{}, Settings: map[string]string{}}
	if r.base != nil {
		c.Base = r.base.String()
	}
	for _, one := range r.contents {
		if one.what == programContent {
			c.Settings["the program "+path.Base(one.entries[0].name)] = short([]byte(one.fingerprint))
			continue
		}
		for _, e := range one.entries {
			c.Files[e.file] = short(fmt.Appendf(nil, "%x %o %s %v", e.sum, e.mode, e.link, e.owner))
		}
	}
	for _, p := range r.packages {
		c.Packages[p.Name] = p.Version + " " + p.SHA256[:min(len(p.SHA256), 12)]
	}
	s := r.spec
	for name, value := range map[string]string{"workdir": s.Workdir, "user": s.User, "entrypoint": strings.Join(s.Entrypoint, "\x00"), "command": strings.Join(s.Command, "\x00"), "source": s.Source, "python": s.Interpreter + s.Python} {
		c.Settings[name] = short([]byte(value))
	}
	for name, value := range s.Env {
		c.Settings["env "+name] = short([]byte(value))
	}
	return c
}

func short(text []byte) string {
	sum := hashOf(text)
	return sum.Hex[:12]
}

// since tells what is other than in older ones, in words.
func (c ingredients) since(old ingredients) []string {
	var all []string
	if c.Base != old.Base {
		all = append(all, "the base")
	}
	compare := func(now, before map[string]string, tell func(name, now, before string) string) {
		names := map[string]bool{}
		for _, m := range []map[string]string{now, before} {
			for name := range m {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if now[name] != before[name] {
				all = append(all, tell(name, now[name], before[name]))
			}
		}
	}
	told := func(name, now, before string) string {
		switch {
		case before == "":
			return name + " (new)"
		case now == "":
			return name + " (gone)"
		}
		return name
	}
	compare(c.Files, old.Files, told)
	compare(c.Packages, old.Packages, func(name, now, before string) string {
		is, _, _ := strings.Cut(now, " ")
		was, _, _ := strings.Cut(before, " ")
		if is == "" || was == "" || is == was {
			return told(strings.TrimSpace(name+" "+cmp.Or(is, was)), now, before)
		}
		return name + " " + was + " -> " + is
	})
	compare(c.Settings, old.Settings, told)
	return all
}

// changes tells what an image has that the one that was pushed last has not; nil where
// that is not known.
func (r *Registry) changes(ctx context.Context, w *wire, recipe *Recipe, last *previous) []string {
	if last == nil || last.digest == (v1.Hash{}) {
		return nil
	}
	var text []byte
	err := r.retry(ctx, func() (err error) {
		text, err = w.attached(ctx, last.digest, ingredientsType)
		return err
	})
	var old ingredients
	if err != nil || text == nil || json.Unmarshal(text, &old) != nil {
		return nil // it is only told
	}
	return recipe.describe().since(old)
}

// attached gives the document of a type that is attached to an image, nil when there is
// none.
func (w *wire) attached(ctx context.Context, subject v1.Hash, artifactType string) ([]byte, error) {
	index, err := w.referrers(ctx, subject)
	if status(err)/100 == 4 && !passing(err) {
		index, _, err = w.manifest(ctx, referrersTag(subject))
	}
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	var listed struct {
		Manifests []referrer `json:"manifests"`
	}
	if err != nil || json.Unmarshal(index, &listed) != nil {
		return nil, err
	}
	for _, one := range listed.Manifests {
		text, _, err := w.manifest(ctx, one.Digest.String())
		var document artifact
		if err != nil || json.Unmarshal(text, &document) != nil || len(document.Layers) == 0 {
			continue
		}
		if document.ArtifactType == artifactType {
			return w.smallBlob(ctx, document.Layers[0].Digest)
		}
	}
	return nil, nil
}
