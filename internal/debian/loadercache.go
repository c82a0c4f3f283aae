package debian

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

const (
	// loaderCacheFile is where the dynamic loader looks for libraries first: ld.so(8). Only ldconfig
	// writes it, in the format of glibc's sysdeps/generic/dl-cache.h.
	loaderCacheFile = "/etc/ld.so.cache"
	// loaderMagic begins the file. The header and an entry of it have these sizes in bytes.
	loaderMagic       = "glibc-ld.so.cache1.1"
	loaderHeader      = 48
	loaderEntry       = 24
	loaderLittle byte = 2 // the flag of a file in little endian
)

// maxLoaderTexts limits the size of all names and paths of a cache, in bytes. Those of a desktop with
// 3,000 libraries have 300 KB.
const maxLoaderTexts = 16 << 20

// loaderFlags are the flags of libraries in the cache by Debian's name of an architecture: of ELF for
// glibc, and of the machine, as in glibc's sysdeps/generic/ldconfig.h.
var loaderFlags = map[string]uint32{"amd64": 0x0303, "arm64": 0x0a03}

// library is an entry of the cache: a name that programs are linked with, and the path of its file.
type library struct {
	name, path string
	flags      uint32
}

var errLoaderCache = errors.New(loaderCacheFile + " is malformed")

// readLoaderCache reads a cache. It leaves out the variants of libraries for newer processors, for
// which each library has an entry without, too.
func readLoaderCache(text []byte) ([]library, error) {
	if len(text) < loaderHeader || !bytes.HasPrefix(text, []byte(loaderMagic)) {
		return nil, errLoaderCache
	}
	count := binary.LittleEndian.Uint32(text[len(loaderMagic):])
	if uint64(count)*loaderEntry > uint64(len(text)-loaderHeader) {
		return nil, errLoaderCache
	}
	var all []library
	size := 0
	for n := range int(count) {
		entry := text[loaderHeader+n*loaderEntry:]
		name, ok := loaderText(text, binary.LittleEndian.Uint32(entry[4:]))
		at, alsoOK := loaderText(text, binary.LittleEndian.Uint32(entry[8:]))
		if size += len(name) + len(at); !ok || !alsoOK || size > maxLoaderTexts {
			return nil, errLoaderCache
		}
		if binary.LittleEndian.Uint64(entry[16:]) == 0 {
			all = append(all, library{name, at, binary.LittleEndian.Uint32(entry)})
		}
	}
	return all, nil
}

// loaderText returns the text at an offset of a cache, which ends with a zero.
func loaderText(text []byte, offset uint32) (string, bool) {
	if uint64(offset) >= uint64(len(text)) {
		return "", false
	}
	found, _, ok := bytes.Cut(text[offset:], []byte{0})
	return string(found), ok
}

// writeLoaderCache returns the cache of libraries. Of those with the same name, the loader uses
// the first.
func writeLoaderCache(all []library) []byte {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b library) int { return compareLibraries(b.name, a.name) })
	var entries, texts []byte
	offset := loaderHeader + len(all)*loaderEntry
	add := func(text string) uint32 {
		at := offset + len(texts)
		texts = append(append(texts, text...), 0)
		return uint32(at) //nolint:gosec // a cache has some 100 KB
	}
	for _, l := range all {
		entries = binary.LittleEndian.AppendUint32(entries, l.flags)
		entries = binary.LittleEndian.AppendUint32(entries, add(l.name))
		entries = binary.LittleEndian.AppendUint32(entries, add(l.path))
		entries = append(entries, make([]byte, 12)...) // of no release of a kernel, for every processor
	}
	header := binary.LittleEndian.AppendUint32([]byte(loaderMagic), uint32(len(all)))           //nolint:gosec // as above
	header = append(binary.LittleEndian.AppendUint32(header, uint32(len(texts))), loaderLittle) //nolint:gosec // as above
	header = append(header, make([]byte, loaderHeader-len(header))...)
	return slices.Concat(header, entries, texts)
}

// compareLibraries compares names as the loader does, which searches the cache by halves: numbers by
// their value, and a digit as greater than any other character.
func compareLibraries(a, b string) int {
	for a != "" && b != "" {
		switch first, second := isDigit(a[0]), isDigit(b[0]); {
		case first && second:
			var one, two string
			one, a = leadingNumber(a)
			two, b = leadingNumber(b)
			if order := cmp.Or(len(one)-len(two), strings.Compare(one, two)); order != 0 {
				return order
			}
		case first:
			return 1
		case second:
			return -1
		case a[0] != b[0]:
			return int(a[0]) - int(b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	return len(a) - len(b)
}
