package command

import (
	"reflect"
	"strings"
)

// Argument is a field of options that is given by its place.
type Argument struct {
	// Word is how usage shows it: JOB, [DIR] if it may be left out, [JOB...] for any
	// number.
	Word string
	Field
}

// Flag is a field of options that is given by its name.
type Flag struct {
	// Name is without its dashes, and Short one letter or "".
	Name, Short string
	// Default is the value without the flag, "" for the zero value.
	Default string
	// Value is how help shows the value, "" for the name of its type.
	Value string
	// PerCommand tells that a flag of all commands belongs to each rather than to the
	// root, so that a command can have its letter for another one.
	PerCommand bool
	Field
}

// Field is what arguments and flags have in common.
type Field struct {
	// Help is what it does, in a few words.
	Help string
	// Complete are the kinds of names that shells offer, see offered.
	Complete []string
	// OneOf are fixed words that shells offer.
	OneOf []string
	// Mage is the name of the parameter of the target.
	Mage string

	index int
	name  string
	is    reflect.Type
}

// fields reads the arguments and flags of a struct of options from the tags of its fields:
//
//	arg       makes it an argument, and is its Word
//	flag      makes it a flag, and is its Name
//	short     Short
//	help      Help
//	default   Default
//	value     Value
//	complete  Complete, with commas between
//	oneof     OneOf, with commas between
//	per       PerCommand, if it is "command"
//	mage      Mage; otherwise the flag's name, or the field's name for an argument
func fields(of reflect.Type) (arguments []Argument, flags []Flag) {
	for n := range of.NumField() {
		f := of.Field(n)
		field := Field{
			Help: f.Tag.Get("help"), Complete: list(f.Tag.Get("complete")), OneOf: list(f.Tag.Get("oneof")), Mage: f.Tag.Get("mage"),
			index: n, name: f.Name, is: f.Type,
		}
		if word := f.Tag.Get("arg"); word != "" {
			if field.Mage == "" {
				field.Mage = strings.ToLower(f.Name[:1]) + f.Name[1:]
			}
			arguments = append(arguments, Argument{Word: word, Field: field})
		}
		if name := f.Tag.Get("flag"); name != "" {
			if field.Mage == "" {
				field.Mage = camel(name)
			}
			flags = append(flags, Flag{
				Name: name, Short: f.Tag.Get("short"), Default: f.Tag.Get("default"), Value: f.Tag.Get("value"),
				PerCommand: f.Tag.Get("per") == "command", Field: field,
			})
		}
	}
	return arguments, flags
}

// optional reports whether an argument may be left out.
func (a *Argument) optional() bool { return strings.HasPrefix(a.Word, "[") }

// variadic reports whether an argument is any number of words.
func (a *Argument) variadic() bool { return a.is.Kind() == reflect.Slice }

// label returns how help writes a flag, such as "-P, --param NAME=VALUE".
func (f *Flag) label() string {
	text := "--" + f.Name
	if f.Short != "" {
		text = "-" + f.Short + ", " + text
	}
	if value := f.value(); value != "" {
		text += " " + value
	}
	return text
}

// text returns what a flag does, with its default.
func (f *Flag) text() string {
	if f.Default == "" {
		return f.Help
	}
	return f.Help + " (default " + f.Default + ")"
}

// value returns the word for a flag's value, "" if it takes none.
func (f *Flag) value() string {
	switch {
	case f.Value != "":
		return f.Value
	case f.is == durationType:
		return "DURATION"
	case f.is.Kind() == reflect.Bool:
		return ""
	case f.is.Kind() == reflect.Int:
		return "N"
	}
	return "TEXT"
}

// camel returns fail-pending as failPending.
func camel(name string) string {
	parts := strings.Split(name, "-")
	for n, part := range parts[1:] {
		parts[n+1] = strings.ToUpper(part[:1]) + part[1:]
	}
	return strings.Join(parts, "")
}

// list parts a tag at its commas.
func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}
