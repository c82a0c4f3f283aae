// Package debiantest makes Debian packages and signed repositories for tests.
package debiantest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Now is the time at which repositories are made. They are valid for a week.
var Now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// Deb is a package.
type Deb struct {
	Name, Version string
	// Architecture is amd64 if empty.
	Architecture string
	// Fields are other fields of its control file.
	Fields map[string]string
	// Files are its files by their paths without the first slash. A text that begins with -> is a
	// symbolic link.
	Files map[string]string
	// Control are its other control files, such as postinst.
	Control map[string]string
	// Compression is xz, gz, zst or "" for none.
	Compression string
}

func (d Deb) architecture() string {
	if d.Architecture == "" {
		return "amd64"
	}
	return d.Architecture
}

// fields returns the control file.
func (d Deb) fields() string {
	text := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: A <a@example.com>\n", d.Name, d.Version, d.architecture())
	for _, name := range slices.Sorted(maps.Keys(d.Fields)) {
		text += name + ": " + d.Fields[name] + "\n"
	}
	return text + "Description: a package for tests\n"
}

// Bytes returns the file of the package.
func (d Deb) Bytes(t testing.TB) []byte {
	t.Helper()
	control := map[string]string{"control": d.fields()}
	maps.Copy(control, d.Control)
	return Archive(t, "debian-binary", []byte("2.0\n"), "control.tar"+ending(d.Compression), compress(t, d.Compression, Tar(t, control)), "data.tar"+ending(d.Compression), compress(t, d.Compression, Tar(t, d.Files)))
}

func ending(compression string) string {
	if compression == "" {
		return ""
	}
	return "." + compression
}

// Tar returns an archive of files, as dpkg-deb makes them. Files of directories named bin and
// scripts can be executed.
func Tar(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{}
	var dir func(string)
	dir = func(name string) {
		if made[name] {
			return
		}
		if name != "." {
			dir(path.Dir(name))
		}
		made[name] = true
		check(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "./" + strings.TrimPrefix(name+"/", "./"), Mode: 0o755}))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		dir(path.Dir(name))
		if target, ok := strings.CutPrefix(files[name], "->"); ok {
			check(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "./" + name, Linkname: target, Mode: 0o777}))
			continue
		}
		mode := int64(0o644)
		if strings.Contains(name, "bin/") || strings.HasSuffix(name, "inst") {
			mode = 0o755
		}
		check(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Mode: mode, Size: int64(len(files[name])), ModTime: Now}))
		_, err := io.WriteString(w, files[name])
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// Archive returns an ar archive of files, which are names and contents in turn.
func Archive(t testing.TB, files ...any) []byte {
	t.Helper()
	b := bytes.NewBufferString("!<arch>\n")
	for n := 0; n < len(files); n += 2 {
		text, _ := files[n+1].([]byte)
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", files[n], 0, 0, 0, "100644", len(text))
		b.Write(text)
		if len(text)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func compress(t testing.TB, compression string, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch compression {
	case "":
		return plain
	case "gz":
		w = gzip.NewWriter(&b)
	case "xz":
		w, err = xz.NewWriter(&b)
	case "zst":
		w, err = zstd.NewWriter(&b)
	}
	check(t, err)
	_, err = w.Write(plain)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// Key is a key that signs repositories.
type Key struct{ entity *openpgp.Entity }

// NewKey returns a key.
func NewKey(t testing.TB) Key {
	t.Helper()
	e, err := openpgp.NewEntity("archive", "", "archive@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return Now.AddDate(-1, 0, 0) }})
	check(t, err)
	return Key{e}
}

// Keyring returns the public key.
func (k Key) Keyring(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, k.entity.Serialize(&b))
	return b.Bytes()
}

// Repository is a repository of one suite, stable, with the component main.
type Repository struct {
	Key Key
	// At is when the index is made and signed, Now if it is zero, and Until its field Valid-Until.
	At, Until time.Time
	// Suite is the name in the index, stable if it is empty.
	Suite string

	mu    sync.Mutex
	files map[string][]byte
	asked map[string]int
}

// New returns a repository of packages.
func New(t testing.TB, key Key, debs ...Deb) *Repository {
	t.Helper()
	r := &Repository{Key: key, Until: Now.AddDate(0, 0, 7)}
	r.Publish(t, debs...)
	return r
}

// Publish replaces the packages.
func (r *Repository) Publish(t testing.TB, debs ...Deb) {
	t.Helper()
	files := map[string][]byte{}
	sums := "SHA256:\n"
	for _, architecture := range []string{"amd64", "arm64"} {
		var index strings.Builder
		for _, d := range debs {
			if d.architecture() != architecture && d.Architecture != "all" {
				continue
			}
			text := d.Bytes(t)
			name := fmt.Sprintf("pool/main/%s_%s_%s.deb", d.Name, strings.ReplaceAll(d.Version, ":", "%3a"), d.architecture())
			files["/"+name] = text
			fmt.Fprintf(&index, "%sFilename: %s\nSize: %d\nSHA256: %x\n\n", d.fields(), name, len(text), sha256.Sum256(text))
		}
		name := "main/binary-" + architecture + "/Packages.gz"
		text := compress(t, "gz", []byte(index.String()))
		files["/dists/stable/main/binary-"+architecture+fmt.Sprintf("/by-hash/SHA256/%x", sha256.Sum256(text))] = text
		sums += fmt.Sprintf(" %x %d %s\n", sha256.Sum256(text), len(text), name)
	}
	at := r.At
	if at.IsZero() {
		at = Now
	}
	release := "Origin: Test\nSuite: " + cmp.Or(r.Suite, "stable") + "\nDate: " + at.UTC().Format(time.RFC1123) + "\nAcquire-By-Hash: yes\nArchitectures: amd64 arm64\nComponents: main\nValid-Until: " + r.Until.Format(time.RFC1123) + "\n" + sums
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, r.Key.entity.PrivateKey, &packet.Config{Time: func() time.Time { return at }})
	check(t, err)
	_, err = io.WriteString(w, release)
	check(t, err)
	check(t, w.Close())
	files["/dists/stable/InRelease"] = b.Bytes()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = files
}

// ServeHTTP implements http.Handler.
func (r *Repository) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	text, ok := r.files[q.URL.EscapedPath()]
	if !ok {
		text, ok = r.files[q.URL.Path]
	}
	if r.asked == nil {
		r.asked = map[string]int{}
	}
	r.asked[q.URL.Path]++
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, q)
		return
	}
	_, _ = w.Write(text)
}

// Requests returns how many requests there were.
func (r *Repository) Requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := 0
	for _, n := range r.asked {
		total += n
	}
	return total
}

// Serve serves the repository until the test ends, and returns its address.
func (r *Repository) Serve(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// Base returns the files of a base whose apt sources name a repository at an address, and that has
// packages.
func (r *Repository) Base(t testing.TB, address string, installed ...Deb) map[string]string {
	t.Helper()
	status := ""
	for _, d := range installed {
		status += strings.Replace(d.fields(), "\n", "\nStatus: install ok installed\n", 1) + "\n"
	}
	return map[string]string{
		"etc/os-release":                      "ID=debian\n",
		"etc/apt/sources.list.d/test.sources": "Types: deb\nURIs: " + address + "\nSuites: stable\nComponents: main\nSigned-By: /usr/share/keyrings/test.gpg\n",
		"usr/share/keyrings/test.gpg":         string(r.Key.Keyring(t)),
		"var/lib/dpkg/status":                 status,
		"usr/lib/x86_64-linux-gnu/libc.so.6":  "a library",
		"lib":                                 "->usr/lib",
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
