package wheel

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// recipe describes a wheel to make for a test.
type recipe struct {
	name, version, tags string
	files               map[string]string
	executable          string
	// wheel, metadata and record replace the correct content of these files.
	wheel, metadata, record string
	// raw are additional zip entries, which RECORD does not list.
	raw []zip.FileHeader
}

// make returns the file's name and its content.
func (r recipe) make(t testing.TB) (string, []byte) {
	t.Helper()
	if r.tags == "" {
		r.tags = "py3-none-any"
	}
	stem := strings.ReplaceAll(r.name, "-", "_") + "-" + r.version
	info := stem + ".dist-info/"
	content := maps.Clone(r.files)
	if content == nil {
		content = map[string]string{}
	}
	add := func(name, text, other string) {
		if other == "" {
			other = text
		}
		if other != "-" {
			content[info+name] = other
		}
	}
	add("WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: "+r.tags+"\n", r.wheel)
	add("METADATA", fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\nLicense: MIT\n\nLicense: not here\n", r.name, r.version), r.metadata)
	record := ""
	for _, name := range slices.Sorted(maps.Keys(content)) {
		sum := sha256.Sum256([]byte(content[name]))
		record += fmt.Sprintf("%s,%s,%d\n", name, recordHash(sum[:]), len(content[name]))
	}
	add("RECORD", record+info+"RECORD,,\n", r.record)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(content)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o644)
		if name == r.executable {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(f, content[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range r.raw {
		if _, err := w.CreateHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return stem + "-" + r.tags + ".whl", b.Bytes()
}

// put writes a wheel to disk as if it had been downloaded.
func put(t testing.TB, name, version, file string, text []byte) wheel {
	t.Helper()
	sum := sha256.Sum256(text)
	w := wheel{requirement: requirement{name: normalName(name), version: version, at: source.Position{File: "lock.txt", Line: 3, Column: 1}},
		path: filepath.Join(t.TempDir(), file), file: file, sum: hex.EncodeToString(sum[:]), size: int64(len(text))}
	if err := os.WriteFile(w.path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

// lay installs wheels for Python 3.11 on linux/amd64.
func lay(t testing.TB, recipes ...recipe) (*Environment, error) {
	t.Helper()
	var wheels []wheel
	for _, r := range recipes {
		file, text := r.make(t)
		wheels = append(wheels, put(t, r.name, r.version, file, text))
	}
	return layWheels(t, wheels...)
}

func layWheels(t testing.TB, wheels ...wheel) (*Environment, error) {
	s, target, err := Spec{Name: "train", Python: "3.11", Lock: "lock.txt", CacheDir: t.TempDir()}.normalized()
	if err != nil {
		t.Fatal(err)
	}
	archives, err := openAll(t, target, wheels)
	if err != nil {
		return nil, err
	}
	env, err := s.assemble(context.Background(), target, archives, ranks(nil, archives))
	if err != nil {
		return nil, err
	}
	for _, l := range env.Layers { // files are verified only when they are read
		for _, f := range l.Files {
			if f.Open == nil {
				continue
			}
			r, err := f.Open()
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return env, nil
}

func openAll(t testing.TB, target target, wheels []wheel) ([]*archive, error) {
	t.Helper()
	o := &opener{target: target}
	for _, w := range wheels {
		if err := o.add(context.Background(), w); err != nil {
			return nil, err
		}
	}
	return o.sorted(), nil
}

// content returns the mode and the link or text of all files in an environment, by path.
func content(t testing.TB, env *Environment) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, l := range env.Layers {
		last := ""
		for _, f := range l.Files {
			if f.Path <= last {
				t.Errorf("%s comes after %s", f.Path, last)
			}
			last = f.Path
			if _, twice := all[f.Path]; twice {
				t.Errorf("%s is there twice", f.Path)
			}
			if f.Open == nil {
				all[f.Path] = f.Mode.String() + " -> " + f.Link
				continue
			}
			all[f.Path] = f.Mode.String() + " " + string(read(t, f))
		}
	}
	return all
}

func read(t testing.TB, f File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); int64(len(text)) != f.Size || hex.EncodeToString(sum[:]) != f.sum {
		t.Errorf("%s has %d bytes instead of %d, or another hash", f.Path, len(text), f.Size)
	}
	return text
}
