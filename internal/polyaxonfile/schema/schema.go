package schema

import "sync"

// Form is a word for one thing that a value may be.
type Form string

// The forms. Servers convert some of what does not fit a form exactly: see the
// package that checks.
const (
	Any         Form = "any"
	Text        Form = "str"
	Name        Form = "name"         // text of letters, digits, - and _
	Bool        Form = "bool"         // true or false
	Int         Form = "int"          // a whole number
	LooseInt    Form = "loose-int"    // a whole number, or what can be read as one
	Count       Form = "count"        // a whole number above 0
	LooseCount  Form = "loose-count"  // the same, or a text of one
	Float       Form = "float"        // a number, or what can be read as one
	StrictFloat Form = "strict-float" // a number
	Positive    Form = "positive"     // a number that is not below 0
	Value       Form = "value"        // anything but nothing, which becomes text
	Date        Form = "date"
	DateTime    Form = "datetime"
	// Moment is a date with a time, as Polyaxon 1 wants it.
	Moment    Form = "moment"
	Duration  Form = "duration" // seconds, or a text like P1D
	Template  Form = "ref"      // a text that holds {{ }}
	Quantity  Form = "quantity" // of Kubernetes: 500m, 2Gi
	IntOrText Form = "int-or-str"
	List      Form = "[]"
	Map       Form = "{}"
	Mapping   Form = "object"
	OneOf     Form = "union"
	Enum      Form = "enum"
)

// Choice is one of the things that a value may be.
type Choice struct {
	Form   Form
	Elem   Type     // of a List and of a Map's values
	Object *Object  // of a Mapping
	Union  *Union   // of OneOf
	Words  []string // of an Enum
	Range
}

// Type is what a value may be: any of its choices.
type Type []Choice

// Range is the versions that know something: from Since on, and before Before.
// The zero Range is all versions.
type Range struct{ Since, Before Version }

// Has tells whether a version is in the range; the zero Version is in every one.
func (r Range) Has(v Version) bool {
	return v.Any() || !v.Before(r.Since) && (r.Before.Any() || v.Before(r.Before))
}

// Field is a key of an object.
type Field struct {
	Key      string
	Type     Type
	Required bool
	Range
}

// Object is a mapping whose keys are known.
type Object struct {
	Name string
	// Fields may hold a key several times, for different versions.
	Fields []Field
	// Compact objects may also be written as a list of their values, or as a text of
	// them joined by colons.
	Compact bool
	// Open objects take any key.
	Open bool
	// Kubernetes tells that it is a type of Kubernetes' API.
	Kubernetes bool

	byKey   map[string][]int
	bySnake map[string]string
	once    sync.Once
}

// Find gives a key's field in a version; the zero Version gets one that takes what
// any version takes. When that version does not have the key, known tells
// whether another one has, and field is that one's.
func (o *Object) Find(key string, v Version) (field Field, here, known bool) {
	o.once.Do(o.index)
	for _, i := range o.byKey[key] {
		f := o.Fields[i]
		switch {
		case !f.Has(v):
			if !here {
				field, known = f, true
			}
		case !here:
			field, here, known = f, true, true
		default: // only the zero Version comes here
			field.Type = append(append(Type{}, field.Type...), f.Type...)
			field.Required = field.Required && f.Required
		}
	}
	return field, here, known
}

func (o *Object) index() {
	o.byKey = make(map[string][]int, len(o.Fields))
	o.bySnake = make(map[string]string, len(o.Fields))
	for i, f := range o.Fields {
		o.byKey[f.Key] = append(o.byKey[f.Key], i)
		o.bySnake[snake(f.Key)] = f.Key
	}
}

// Keys gives the keys that a version has, in the table's order.
func (o *Object) Keys(v Version) []string {
	var keys []string
	for _, f := range o.Fields {
		if f.Has(v) && (len(keys) == 0 || keys[len(keys)-1] != f.Key) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// Required gives the keys that a version wants; the zero Version gets those that
// every version wants.
func (o *Object) Required(v Version) []string {
	var keys []string
	for _, f := range o.Fields {
		if !f.Required || len(keys) > 0 && keys[len(keys)-1] == f.Key {
			continue
		}
		if g, here, _ := o.Find(f.Key, v); here && g.Required && (!v.Any() || f.Range == Range{} || len(o.byKey[f.Key]) > 1) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// Union is a mapping whose keys depend on its kind.
type Union struct {
	Name  string
	Kinds []Kind
}

// Kind is one of a Union's.
type Kind struct {
	Name   string
	Object *Object
	Range
}

// Find gives a kind in a version. When that version does not have it, known tells
// whether another one has, and kind is that one's.
func (u *Union) Find(name string, v Version) (kind Kind, here, known bool) {
	for _, k := range u.Kinds {
		if k.Name == name {
			return k, k.Has(v), true
		}
	}
	return Kind{}, false, false
}

// Names gives the kinds that a version has.
func (u *Union) Names(v Version) []string {
	var names []string
	for _, k := range u.Kinds {
		if k.Has(v) {
			names = append(names, k.Name)
		}
	}
	return names
}
