package scaffold

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// MakeLocks makes the locks of the plan. Git and uv run with the variables of environ.
func (p *Plan) MakeLocks(ctx context.Context, environ []string) error {
	for n := range p.Files {
		f := &p.Files[n]
		if f.Lock == nil {
			continue
		}
		text, err := wheel.Compile(ctx, p.Repository.Dir, f.Lock.File, f.Lock.Python, f.Lock.Text, environ)
		if wrong := new(source.Error); errors.As(err, &wrong) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w (--lock none goes on without a lock; a package without wheels is locked without --no-build, and named under build-from-source in slipway.yaml)", err)
		}
		f.Text = "# Made by: " + f.Lock.Command() + "\n" + string(text)
	}
	return nil
}

// Write writes all files, or none. It never overwrites a file: one that has appeared
// meanwhile is a *source.Error, as is a directory that cannot be written. Each file appears whole, and slipway.yaml as the last one.
func (p *Plan) Write() (err error) {
	root, err := os.OpenRoot(p.Repository.Root)
	if err != nil {
		return fmt.Errorf("write into %s: %w", p.Repository.Root, err)
	}
	defer root.Close()
	var undo []func()
	defer func() {
		if err != nil {
			for n := range undo {
				undo[len(undo)-1-n]()
			}
		}
	}()
	for _, f := range p.Files {
		revert, err := write(root, f)
		undo = append(undo, revert...)
		if errors.Is(err, fs.ErrExist) {
			return &source.Error{Position: source.Position{File: f.Path}, Message: "already exists, and is not overwritten: nothing is written", Hint: "run slipway init again", Err: err}
		}
		if err != nil {
			if refused := new(source.Error); errors.As(err, &refused) {
				return err
			}
			return fmt.Errorf("write %s: %w", f.Path, source.Unwritable(p.Repository.Root, err))
		}
	}
	return nil
}

// maxAppended limits the size in bytes of a file that lines are added to.
const maxAppended = 4 << 20

// write writes a file, and returns what takes it back.
func write(root *os.Root, f File) (undo []func(), err error) {
	name := filepath.FromSlash(f.Path)
	for _, dir := range above(f.Path) {
		switch err := root.Mkdir(filepath.FromSlash(dir), 0o755); {
		case err == nil:
			undo = append(undo, func() { _ = root.Remove(filepath.FromSlash(dir)) }) // keeps what others put there
		case !errors.Is(err, fs.ErrExist):
			return undo, err
		default:
			if info, err := root.Stat(filepath.FromSlash(dir)); err != nil || !info.IsDir() {
				return undo, &source.Error{Position: source.Position{File: dir}, Message: "it is not a directory of this repository, so that nothing is written: it may be a link to another place", Hint: "rename it", Err: err}
			}
		}
	}
	mode, text := fs.FileMode(0o644), f.Text
	var before []byte
	if f.Append {
		info, err := root.Lstat(name)
		if err != nil {
			return undo, err
		}
		if !info.Mode().IsRegular() {
			irregular := &source.IrregularError{Mode: info.Mode()}
			return undo, &source.Error{Position: source.Position{File: f.Path}, Message: irregular.Error() + ", so that nothing is written", Hint: "make it a file: git reads no other", Err: irregular}
		}
		if before, err = source.ReadFile(root, name, maxAppended); err != nil {
			return undo, err
		}
		if int64(len(before)) != info.Size() {
			return undo, fmt.Errorf("it has more than %d MiB, or was changed meanwhile", maxAppended>>20)
		}
		if mode = info.Mode().Perm(); len(before) > 0 && before[len(before)-1] != '\n' {
			text = "\n" + text
		}
		text = string(before) + text
	}
	temporary := filepath.Join(filepath.Dir(name), ".slipway-init-"+rand.Text())
	defer func() { _ = root.Remove(temporary) }() // it is gone when it was renamed
	if err := create(root, temporary, text, mode); err != nil {
		return undo, err
	}
	if f.Append {
		if err := root.Rename(temporary, name); err != nil {
			return undo, err
		}
		return append(undo, func() { _ = root.WriteFile(name, before, mode) }), nil
	}
	switch err := root.Link(temporary, name); {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		return undo, err
	default: // a file system without hard links
		if err := create(root, name, text, mode); err != nil {
			return undo, err
		}
	}
	return append(undo, func() { _ = root.Remove(name) }), nil
}

func create(root *os.Root, name, text string, mode fs.FileMode) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// above returns the directories above a file, from the top down.
func above(name string) []string {
	var all []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		all = append([]string{dir}, all...)
	}
	return all
}
