package debian

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/debian/debiantest"
)

// sharedObject returns the smallest library for amd64 with a name.
func sharedObject(t *testing.T, name string) string {
	t.Helper()
	names := "\x00" + name + "\x00"
	const header, dynamic = 64, 32
	strings := header + dynamic
	sections := strings + len(names)
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
			Shoff: uint64(sections), Ehsize: header, Shentsize: 64, Shnum: 3, Shstrndx: 2,
		},
		elf.Dyn64{Tag: int64(elf.DT_SONAME), Val: 1}, elf.Dyn64{},
		[]byte(names),
		elf.Section64{},
		elf.Section64{Type: uint32(elf.SHT_DYNAMIC), Off: header, Size: dynamic, Link: 2, Entsize: 16},
		elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: uint64(strings), Size: uint64(len(names))},
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// The cache of a base gets the libraries of packages, in the directories of the base's configuration.
func TestLibraries(t *testing.T) {
	t.Parallel()
	r := &debiantest.Repository{Key: debiantest.NewKey(t)}
	files := r.Base(t, "http://a.test", libc)
	files["etc/ld.so.conf"] = "include /etc/ld.so.conf.d/*.conf\n"
	files["etc/ld.so.conf.d/libc.conf"] = "# a comment\n/usr/local/lib\n"
	files["etc/ld.so.conf.d/x86_64-linux-gnu.conf"] = "/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu\n"
	files["etc/ld.so.cache"] = string(writeLoaderCache([]library{{"libpython3.so", "/usr/local/lib/libpython3.so", 0x0303}, {"libsnd.so.1", "/usr/local/lib/libsnd.so.1", 0x0303}}))
	const dir = "usr/lib/x86_64-linux-gnu/"
	sound := debiantest.Deb{Name: "libsnd1", Version: "1", Files: map[string]string{
		dir + "libsnd.so.1.0.37": sharedObject(t, "libsnd.so.1"), dir + "libsnd.so.1": "->libsnd.so.1.0.37",
		dir + "plugins/libplugin.so": sharedObject(t, "libplugin.so"), dir + "libtext.so": "INPUT(libsnd.so.1)",
		"opt/acme/lib/libacme-2.so": sharedObject(t, "libacme-2.so.7"), "etc/ld.so.conf.d/acme.conf": "/opt/acme/lib\n",
		"usr/lib/libold.so.2": sharedObject(t, ""),
	}}
	_, got, err := write(t, readBase(t, files), sound)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := readLoaderCache([]byte(got["etc/ld.so.cache"][len("644 "):]))
	if err != nil {
		t.Fatal(err)
	}
	want := []library{
		{"libsnd.so.1", "/usr/local/lib/libsnd.so.1", 0x0303}, // the base's configuration has it first
		{"libsnd.so.1", "/lib/x86_64-linux-gnu/libsnd.so.1", 0x0303},
		{"libpython3.so", "/usr/local/lib/libpython3.so", 0x0303},
		{"libold.so.2", "/lib/libold.so.2", 0x0303},
		{"libacme-2.so.7", "/opt/acme/lib/libacme-2.so.7", 0x0303},
		{"libacme-2.so", "/opt/acme/lib/libacme-2.so", 0x0303},
	}
	if !slices.Equal(cache, want) {
		t.Errorf("%v, want %v", cache, want)
	}
	_, got, err = write(t, readBase(t, files), debiantest.Deb{Name: "a", Version: "1", Files: map[string]string{"usr/share/a": "a"}})
	if err != nil || got["etc/ld.so.cache"] != "" {
		t.Errorf("a package without libraries changes the cache: %v", err)
	}
}
