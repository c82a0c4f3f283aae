package command

import (
	"reflect"
	"strings"
)

// argument is a field of options that is set by a positional argument.
type argument struct {
	// Word is its form in usage lines: JOB, [DIR] if it is optional, [JOB...] for any
	// number.
	Word string
	field
}

// flag is a field of options that is set by a flag.
type flag struct {
	// Name is without dashes. Short is one letter or "".
	Name, Short string
	// Default is the default value, "" for the zero value.
	Default string
	// Value is the value's name in help, "" for the name of its type.
	Value string
	// PerCommand reports whether a shared flag is added to each command instead of the
	// root, so that a command can use its letter for another flag.
	PerCommand bool
	// Env is the environment variable that sets the default, "" for none.
	Env string
	field
}

// field is the part that arguments and flags have in common.
type field struct {
	// Help describes it in a few words.
	Help string
	// Complete are the kinds of names that shells offer, the keys of offered.
	Complete []string
	// OneOf are fixed words that shells offer. "..." stands for the Forms of the command.
	OneOf []string
	// Mage is the name of the parameter of the mage target.
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
//	env       Env
//	mage      Mage; otherwise the flag's name, or the field's name for an argument
func fields(of reflect.Type) (arguments []argument, flags []flag) {
	for n := range of.NumField() {
		f := of.Field(n)
		common := field{
			Help: f.Tag.Get("help"), Complete: list(f.Tag.Get("complete")), OneOf: list(f.Tag.Get("oneof")), Mage: f.Tag.Get("mage"),
			index: n, name: f.Name, is: f.Type,
		}
		if word := f.Tag.Get("arg"); word != "" {
			if common.Mage == "" {
				common.Mage = strings.ToLower(f.Name[:1]) + f.Name[1:]
			}
			arguments = append(arguments, argument{Word: word, field: common})
		}
		if name := f.Tag.Get("flag"); name != "" {
			if common.Mage == "" {
				common.Mage = camel(name)
			}
			flags = append(flags, flag{
				Name: name, Short: f.Tag.Get("short"), Default: f.Tag.Get("default"), Value: f.Tag.Get("value"),
				PerCommand: f.Tag.Get("per") == "command", Env: f.Tag.Get("env"), field: common,
			})
		}
	}
	return arguments, flags
}

// optional reports whether the argument may be omitted.
func (a *argument) optional() bool { return strings.HasPrefix(a.Word, "[") }

// variadic reports whether the argument takes any number of words.
func (a *argument) variadic() bool { return a.is.Kind() == reflect.Slice }

// label returns the flag as help shows it, such as "-P, --param NAME=VALUE".
func (f *flag) label() string {
	text := "--" + f.Name
	if f.Short != "" {
		text = "-" + f.Short + ", " + text
	}
	if value := f.value(); value != "" {
		text += " " + value
	}
	return text
}

// text returns the help of a flag with its default.
func (f *flag) text() string {
	if f.Default == "" {
		return f.Help
	}
	return f.Help + " (default " + f.Default + ")"
}

// value returns the name of the flag's value, or "" if it takes none.
func (f *flag) value() string {
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

// list splits a tag at its commas.
func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}
