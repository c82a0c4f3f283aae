package file

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
)

// respell replaces keys with the names that Polyaxon reads them as: image_pull_policy
// becomes imagePullPolicy. Polyaxon does not respell the outermost keys of a file, nor
// keys deep inside Kubernetes objects.
func (b *builder) respell(f *File) {
	tables, err := schema.Load()
	if err != nil || f.root == nil {
		return // Validate reports this error
	}
	name := "component"
	if f.IsOperation() {
		name = "operation"
	}
	b.respellBelow(tables.Object(name), f.root, f.place)
}

func (b *builder) respellObject(o *schema.Object, m map[string]any, p *Place) {
	if o.Open {
		return
	}
	for _, key := range slices.Clone(p.Keys) {
		known, ok := o.Spelling(key)
		_, taken := m[known]
		switch {
		case !ok || taken && !o.Kubernetes:
			continue
		case taken:
			b.duplicateKey(key, known, p)
			if slices.Index(p.Keys, known) > slices.Index(p.Keys, key) {
				known = "" // the last one counts
			} else {
				p.Keys = slices.DeleteFunc(p.Keys, func(k string) bool { return k == known })
			}
		}
		i, value, at := slices.Index(p.Keys, key), m[key], p.Fields[key]
		delete(m, key)
		delete(p.Fields, key)
		if known == "" {
			p.Keys = slices.Delete(p.Keys, i, i+1)
			continue
		}
		at.Spelled, p.Keys[i] = key, known
		m[known], p.Fields[known] = value, at
	}
	if !o.Kubernetes {
		b.respellBelow(o, m, p)
	}
}

func (b *builder) duplicateKey(key, known string, p *Place) {
	b.problems = append(b.problems, Problem{Name: "repeated-key", Stage: StageAdvice, Severity: SeverityError, Error: source.Error{
		Position: p.Fields[key].AtKey(), Message: "duplicate key " + known + ", written as " + key, Hint: "remove one of them; Polyaxon would silently use the last",
	}})
}

func (b *builder) respellBelow(o *schema.Object, m map[string]any, p *Place) {
	for _, key := range p.Keys {
		if field, here, _ := o.Find(key, schema.Version{}); here {
			b.respellValue(field.Type, m[key], p.Fields[key])
		}
	}
}

// respellValue follows the first alternative of a type that fits the value.
func (b *builder) respellValue(t schema.Type, value any, p *Place) {
	for _, c := range t {
		switch x := value.(type) {
		case []any:
			if c.Form == schema.List {
				for i := range x {
					b.respellValue(c.Elem, x[i], p.Items[i])
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
				if kind, _, known := c.Union.Find(name, schema.Version{}); known {
					b.respellObject(kind.Object, x, p)
				}
				return
			case schema.Map:
				for _, key := range p.Keys {
					b.respellValue(c.Elem, x[key], p.Fields[key])
				}
				return
			}
		}
	}
}
