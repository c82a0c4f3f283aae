package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"
)

// entries is an archive of many entries, which stand in a layer as next to nothing.
func entries(t *testing.T, n int, header func(i int) tar.Header) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for i := range n {
		h := header(i)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// TestBombs reads layers that are small, and whose paths would take the memory of a machine.
func TestBombs(t *testing.T) {
	const few = 1000
	long := strings.Repeat("x/", 500_000)
	for name, test := range map[string]struct {
		n      int
		header func(i int) tar.Header
		says   string
	}{
		"long names": {2, func(i int) tar.Header { return tar.Header{Name: fmt.Sprint(long, i), Typeflag: tar.TypeDir} }, "has a path of 1000001 bytes"},
		"long links": {2, func(i int) tar.Header {
			return tar.Header{Name: fmt.Sprint(i), Linkname: long, Typeflag: tar.TypeSymlink}
		}, "has a path of 1000000 bytes"},
		"many longest ones": {few / 2, func(i int) tar.Header {
			return tar.Header{Name: fmt.Sprintf("%0*d", maxPath, i), Typeflag: tar.TypeDir}
		}, "1000000 bytes of their names"},
		"many files of dpkg": {few + 2, func(i int) tar.Header {
			return tar.Header{Name: fmt.Sprint("var/lib/dpkg/alternatives/", i), Typeflag: tar.TypeReg}
		}, "has more than 1000 dir"},
	} {
		begun := time.Now()
		l, err := readWithin(entries(t, test.n, test.header), few, 1_000_000)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
		if l != nil || time.Since(begun) > time.Minute {
			t.Errorf("%s: it took %s", name, time.Since(begun))
		}
	}
}

// TestManyWhiteouts merges layers of which one hides as many paths as the other has, and looks for as many
// interpreters. It would take hours if each were compared with each.
func TestManyWhiteouts(t *testing.T) {
	const n = 50_000
	below, above := &Layer{Nodes: map[string]Node{"/kept": {Kind: Directory}}}, &Layer{}
	for i := range n {
		below.Nodes[fmt.Sprintf("/d%d/bin/python", i)] = Node{Kind: Program}
		below.Nodes[fmt.Sprintf("/d%d/lib/python3.12", i)] = Node{Kind: Directory}
		above.Hidden = append(above.Hidden, fmt.Sprintf("/d%d/lib", i))
		above.Opaque = append(above.Opaque, fmt.Sprintf("/e%d", i))
	}
	begun := time.Now()
	if found := Merge(below).Pythons(); len(found) != n || found[0].Version != "3.12" {
		t.Errorf("%d interpreters", len(found))
	}
	fs := Merge(below, above)
	if _, kept := fs.Node("/kept"); !kept || len(fs.nodes) != n+1 || len(fs.Pythons()) != 0 {
		t.Errorf("%d nodes are left", len(fs.nodes))
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("it took %s", took)
	}
}
