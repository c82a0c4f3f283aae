// Package mage has slipway's targets for mage. One line brings all of them into the
// magefile of any repository:
//
//	//mage:import
//	_ "github.com/slipway-ci/slipway/tasks/mage"
//
// Options that all targets share are environment variables: SLIPWAY_DIR, SLIPWAY_FILE,
// SLIPWAY_ENV, SLIPWAY_OUTPUT, SLIPWAY_QUIET, SLIPWAY_VERBOSE and
// SLIPWAY_NO_ATTESTATIONS. A target ends the program with slipway's exit codes.
//
// The targets are generated from the table of commands, in internal/command.
package mage

import "strings"

//go:generate go run ../../internal/command/generate targets targets.go

// list splits a,b. A text without a name, such as that of an unset variable of a shell, gives
// one empty name, which no command takes; no text gives none.
func list(text *string) []string {
	if text == nil {
		return nil
	}
	if names := strings.FieldsFunc(*text, func(r rune) bool { return r == ',' }); len(names) > 0 {
		return names
	}
	return []string{""}
}

// assignments splits A=1,B=[2,3]: at commas that a name and = follow.
func assignments(text *string) []string {
	var all []string
	for part := range strings.SplitSeq(value(text), ",") {
		if part == "" {
			continue
		}
		if name, _, ok := strings.Cut(part, "="); (!ok || strings.ContainsAny(name, " []{}\"':")) && len(all) > 0 {
			all[len(all)-1] += "," + part
			continue
		}
		all = append(all, part)
	}
	return all
}

// value gives what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
