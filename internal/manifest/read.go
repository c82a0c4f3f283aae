package manifest

import (
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
)

// Read reads the manifests of slipway.yaml. It returns their objects, each after those that it
// may need. They must be of the given namespace, or of none. If namespace is "", they may be of
// any. lookup returns the value of an environment variable. The error joins all errors, each a
// *source.Error.
func Read(c *config.Config, namespace string, lookup func(string) (string, bool)) ([]*Object, error) {
	r := &reader{namespace: namespace, lookup: lookup, images: slices.Sorted(maps.Keys(c.Images)), seen: map[identity]source.Position{}, secrets: secretVariables(c)}
	read := map[string]bool{}
	for n, path := range c.Manifests {
		at := c.At("manifests", strconv.Itoa(n))
		found, err := files(c.Dir, strings.ReplaceAll(path, `\`, "/"))
		if err != nil {
			r.errs = append(r.errs, &source.Error{Position: at, Message: "manifests: " + path + " " + err.Error(), Err: err})
		}
		known, again := len(r.objects)+len(r.errs), false
		for _, file := range found {
			if again = again || read[file]; !read[file] {
				read[file] = true
				r.readFile(filepath.Join(c.Dir, filepath.FromSlash(file)), filepath.Join(filepath.Dir(at.File), filepath.FromSlash(file)))
			}
		}
		if len(found) > 0 && !again && len(r.objects)+len(r.errs) == known { // --prune would delete all objects
			r.errs = append(r.errs, &source.Error{Position: at, Message: "manifests: " + path + " has no objects", Hint: "write objects into it, or remove it from manifests"})
		}
	}
	for _, o := range r.objects {
		if whose := writtenElsewhere(c, o); whose != "" {
			r.errs = append(r.errs, &source.Error{Position: o.Position, Message: o.String() + " is also written by " + whose, Hint: "keep one of the two"})
		}
	}
	if len(r.errs) > 0 {
		return nil, joined(r.errs)
	}
	r.hide()
	sortByKind(r.objects)
	return r.objects, nil
}

// writtenElsewhere returns what else of slipway.yaml writes an object, or "".
func writtenElsewhere(c *config.Config, o *Object) string {
	switch o.Kind().GroupKind() {
	case schema.GroupKind{Kind: "Secret"}:
		if c.Secrets[o.Name()] != nil {
			return "secrets." + o.Name() + " of slipway.yaml"
		}
	case schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		if v := c.Volume; v != nil && v.Create != nil && v.Claim == o.Name() {
			return "volume.create of slipway.yaml"
		}
	case configMap.GroupKind():
		if o.Name() == InventoryName(c.Project) {
			return "slipway, which lists there what it applied"
		}
	}
	return ""
}

// joined joins errs by file, in the order of their lines.
func joined(errs []*source.Error) error {
	slices.SortStableFunc(errs, func(a, b *source.Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var all []error
	for i, e := range errs {
		if i == 0 || e.Error() != errs[i-1].Error() { // what an alias repeats is reported once
			all = append(all, e)
		}
	}
	return errors.Join(all...)
}

// maxSize is the maximum size of a file, in bytes.
const maxSize = 4 << 20

// readFile reads a file. shown is its path in messages: beside that of slipway.yaml.
func (r *reader) readFile(path, shown string) {
	defer panics.At(shown)
	r.file = shown
	content, err := source.ReadDocument(path, maxSize, "a manifest")
	if err != nil {
		r.errs = append(r.errs, &source.Error{Position: source.Position{File: shown}, Message: err.Error(), Err: err})
		return
	}
	for _, document := range r.documents(content) {
		r.document(document)
	}
}
