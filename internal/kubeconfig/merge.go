package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/source"
)

// Options say where to write, and whether the entry becomes the current context.
type Options struct {
	// Paths are the files of KUBECONFIG in order, or the one file that was named. See Files.
	Paths []string
	// KeepCurrent leaves current-context as it is.
	KeepCurrent bool
}

// pathName is what messages call the paths.
const pathName = "KUBECONFIG or --kubeconfig"

// Merged is what Merge did.
type Merged struct {
	// Path is the file that has the context of the entry.
	Path string
	// Current is the current context afterwards.
	Current string
	// Changed reports whether a file was written.
	Changed bool
}

// Merge writes an entry, and replaces what has its name. As with kubectl, what is in one of
// several files stays there, and what is new goes into the first file that exists; unlike with
// kubectl, a file that may not be written does not count. A file
// is written completely or not at all, and then only its owner can read it. If one of the
// files cannot be read or edited, the error says where, and nothing was written. It is a
// *TakenError if the name is in use.
func Merge(ctx context.Context, e Entry, o Options) (*Merged, error) {
	if len(o.Paths) == 0 {
		return nil, errors.New("no kubeconfig is named, and there is no home directory")
	}
	for _, path := range o.Paths {
		if err := source.CheckPath(path, pathName); err != nil {
			return nil, err
		}
	}
	unlock, err := lockAll(ctx, lockable(o.Paths))
	if err != nil {
		return nil, err
	}
	defer unlock()
	var files []*file
	for _, path := range o.Paths {
		f, err := open(path)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if err := e.free(files); err != nil {
		return nil, err
	}
	into := target(files)
	done := &Merged{}
	for _, s := range e.sections() {
		f, at := find(files, s.list, e.Name)
		if f == nil {
			f, at = into, -1
		}
		if s.list == "contexts" {
			done.Path = f.path
		}
		f.put(s, at)
	}
	done.Current = e.Name
	current := slices.IndexFunc(files, func(f *file) bool { return f.current() != "" })
	switch {
	case o.KeepCurrent && current < 0:
		done.Current = ""
	case o.KeepCurrent:
		done.Current = files[current].current()
	case current < 0:
		into.edits = append(into.edits, edit.Set(e.Name, "current-context"))
	case !files[current].writable && slices.Index(files, into) < current: // the first one counts
		into.edits = append(into.edits, edit.Set(e.Name, "current-context"))
	default:
		files[current].edits = append(files[current].edits, edit.Set(e.Name, "current-context"))
	}
	for _, f := range files {
		if err := f.apply(); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		written, err := f.write()
		if err != nil {
			return nil, err
		}
		done.Changed = done.Changed || written
	}
	return done, nil
}

// target returns the file for new entries: the first one that exists and is writable, or the first
// one that exists, or the last one.
func target(files []*file) *file {
	for _, fits := range []func(*file) bool{func(f *file) bool { return f.writable }, func(f *file) bool { return f.exists }} {
		if n := slices.IndexFunc(files, fits); n >= 0 {
			return files[n]
		}
	}
	return files[len(files)-1]
}

// find returns the first file that has an item of the name in a list, and the item's index.
func find(files []*file, list, name string) (*file, int) {
	for _, f := range files {
		if at := f.index(list, name); at >= 0 {
			return f, at
		}
	}
	return nil, -1
}

// put adds the edits for an item: its content is set if it is there, and it is appended
// otherwise.
func (f *file) put(s section, at int) {
	if at >= 0 {
		f.edits = append(f.edits, edit.Set(s.content, s.list, strconv.Itoa(at), s.key))
		return
	}
	f.edits = append(f.edits, edit.Insert(s.item(), s.list, "-"))
}

// index returns the index of the item with a name in a list, or -1.
func (f *file) index(list, name string) int {
	items, _ := f.value[list].([]any)
	return slices.IndexFunc(items, func(item any) bool {
		m, _ := item.(map[string]any)
		return m["name"] == name
	})
}

// content returns the content of an item, which is under the item's key.
func (f *file) content(list string, at int, key string) map[string]any {
	item, _ := f.value[list].([]any)[at].(map[string]any)
	content, _ := item[key].(map[string]any)
	return content
}

// current returns the file's current context, or "".
func (f *file) current() string {
	text, _ := f.value["current-context"].(string)
	return text
}

// TakenError reports that a kubeconfig has an entry of the same name for something else.
type TakenError struct{ Path, Name string }

// Error implements error.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s has an entry %s that leads elsewhere", e.Path, e.Name)
}

// free returns a *TakenError if one of the files has a context of the entry's name with
// another cluster or user, or a user of that name that does not run the entry's plugin with
// the same variables.
func (e *Entry) free(files []*file) error {
	if f, at := find(files, "contexts", e.Name); f != nil {
		context := f.content("contexts", at, "context")
		if context["cluster"] != e.Name || context["user"] != e.Name {
			return &TakenError{f.path, e.Name}
		}
	}
	f, at := find(files, "users", e.Name)
	if f == nil {
		return nil
	}
	user := f.content("users", at, "user")
	exec, _ := user["exec"].(map[string]any)
	variables, _ := exec["env"].([]any)
	have := map[any]any{}
	for _, variable := range variables {
		if v, ok := variable.(map[string]any); ok {
			have[v["name"]] = v["value"]
		}
	}
	for _, v := range e.Plugin.Env {
		if have[v.Name] != v.Value {
			return &TakenError{f.path, e.Name}
		}
	}
	return nil
}
