package polyaxonfile

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// respell gives keys the names that Polyaxon takes them for: image_pull_policy is
// imagePullPolicy from here on. Polyaxon reads the outermost keys of a file, and
// those deep in Kubernetes' objects, as they are.
func (b *builder) respell(f *File) {
	tables, err := schema.Load()
	if err != nil || f.root == nil {
		return // Validate tells
	}
	name := "component"
	if f.IsOperation() {
		name = "operation"
	}
	b.respellBelow(tables.Object(name), f.root, f.place)
}

func (b *builder) respellObject(o *schema.Object, m map[string]any, p *place) {
	if o.Open {
		return
	}
	for _, key := range slices.Clone(p.keys) {
		known, ok := o.Spelling(key)
		_, taken := m[known]
		switch {
		case !ok || taken && !o.Kubernetes:
			continue
		case taken:
			b.twice(key, known, p)
			if slices.Index(p.keys, known) > slices.Index(p.keys, key) {
				known = "" // the last one counts
			} else {
				p.keys = slices.DeleteFunc(p.keys, func(k string) bool { return k == known })
			}
		}
		i, value, at := slices.Index(p.keys, key), m[key], p.fields[key]
		delete(m, key)
		delete(p.fields, key)
		if known == "" {
			p.keys = slices.Delete(p.keys, i, i+1)
			continue
		}
		at.spelled, p.keys[i] = key, known
		m[known], p.fields[known] = value, at
	}
	if !o.Kubernetes {
		b.respellBelow(o, m, p)
	}
}

func (b *builder) twice(key, known string, p *place) {
	b.problems = append(b.problems, Problem{Name: "repeated-key", Stage: StageAdvice, Severity: SeverityError, Error: source.Error{
		Position: keyOf(p.fields[key]), Message: "key " + known + " is repeated, as " + key, Hint: "remove one of them; Polyaxon would silently take the last",
	}})
}

func (b *builder) respellBelow(o *schema.Object, m map[string]any, p *place) {
	for _, key := range p.keys {
		if field, here, _ := o.Find(key, Version{}); here {
			b.respellValue(field.Type, m[key], p.fields[key])
		}
	}
}

// respellValue goes along the first choice that a value can be.
func (b *builder) respellValue(t schema.Type, value any, p *place) {
	for _, c := range t {
		switch x := value.(type) {
		case []any:
			if c.Form == schema.List {
				for i := range x {
					b.respellValue(c.Elem, x[i], p.items[i])
				}
				return
			}
		case map[string]any:
			switch c.Form {
			case schema.Mapping:
				b.respellObject(c.Object, x, p)
				return
			case schema.OneOf:
				name, _ := x["kind"].(string)
				if kind, _, known := c.Union.Find(name, Version{}); known {
					b.respellObject(kind.Object, x, p)
				}
				return
			case schema.Map:
				for _, key := range p.keys {
					b.respellValue(c.Elem, x[key], p.fields[key])
				}
				return
			}
		}
	}
}
