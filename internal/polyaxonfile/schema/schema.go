package schema

import "sync"

// Form is the name of one kind of value that a key may take.
type Form string

// The forms. Servers convert some values that do not fit a form exactly; package check
// describes how.
const (
	Any         Form = "any"
	Text        Form = "str"
	Name        Form = "name"         // letters, digits, - and _
	Bool        Form = "bool"         // true or false
	Int         Form = "int"          // an integer
	LooseInt    Form = "loose-int"    // an integer, or a value that converts to one
	Count       Form = "count"        // an integer above 0
	LooseCount  Form = "loose-count"  // an integer above 0, or a text of one
	Float       Form = "float"        // a number, or a value that converts to one
	StrictFloat Form = "strict-float" // a number
	Positive    Form = "positive"     // a number that is not negative
	Value       Form = "value"        // anything but null; it becomes text
	Date        Form = "date"
	DateTime    Form = "datetime"
	// Moment is a date with a time, in the form that Polyaxon 1 requires.
	Moment    Form = "moment"
	Duration  Form = "duration" // seconds, or a text such as P1D
	Template  Form = "ref"      // a text that contains {{ }}
	Quantity  Form = "quantity" // a Kubernetes quantity: 500m, 2Gi
	IntOrText Form = "int-or-str"
	List      Form = "[]"
	Map       Form = "{}"
	Mapping   Form = "object"
	OneOf     Form = "union"
	Enum      Form = "enum"
)

// Choice is one of the alternatives of a Type, with the versions that accept it.
type Choice struct {
	Form   Form
	Elem   Type     // of a List, and of the values of a Map
	Object *Object  // of a Mapping
	Union  *Union   // of OneOf
	Words  []string // of an Enum
	Range
}

// Type lists the alternatives for a value.
type Type []Choice

// Range is a range of versions: from Since on, and before Before. The zero Range is all
// versions.
type Range struct{ Since, Before Version }

// Has reports whether a version is in the range. The zero Version is in every range.
func (r Range) Has(v Version) bool {
	return v.Any() || !v.Before(r.Since) && (r.Before.Any() || v.Before(r.Before))
}

// Field is a key of an object, with the versions that have it.
type Field struct {
	Key      string
	Type     Type
	Required bool
	Range
}

// Object is a mapping whose keys are known.
type Object struct {
	Name string
	// Fields may contain a key several times, for different versions.
	Fields []Field
	// Compact objects may also be written as a list of their values, or as a text of the values
	// joined by colons.
	Compact bool
	// Open objects accept any key.
	Open bool
	// Kubernetes reports whether the object is a Kubernetes API type.
	Kubernetes bool

	byKey   map[string][]int
	bySnake map[string]string
	once    sync.Once
}

// Find returns a key's field in a version, and reports whether that version has the key.
// The zero Version gets a field that accepts what any version accepts. When the version
// does not have the key, known reports whether another version has it, and field is from
// that version.
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
		// Only the zero Version gets here: it merges the fields of all versions.
		default:
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

// Keys returns the keys that a version has, in the table's order.
func (o *Object) Keys(v Version) []string {
	var keys []string
	for _, f := range o.Fields {
		if f.Has(v) && (len(keys) == 0 || keys[len(keys)-1] != f.Key) {
			keys = append(keys, f.Key)
		}
	}
	return keys
}

// Required returns the keys that a version requires. The zero Version gets those that
// every version requires.
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

// Kind is one kind of a Union, with the versions that have it.
type Kind struct {
	Name   string
	Object *Object
	Range
}

// Find returns a kind in a version, and reports whether that version has it. When it does
// not, known reports whether another version has the kind.
func (u *Union) Find(name string, v Version) (kind Kind, here, known bool) {
	for _, k := range u.Kinds {
		if k.Name == name {
			return k, k.Has(v), true
		}
	}
	return Kind{}, false, false
}

// Names returns the names of the kinds that a version has.
func (u *Union) Names(v Version) []string {
	var names []string
	for _, k := range u.Kinds {
		if k.Has(v) {
			names = append(names, k.Name)
		}
	}
	return names
}
