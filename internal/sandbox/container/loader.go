package container

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The parts of an ELF binary that name its dynamic loader (elf(5)). debug/elf would bring the
// readers of debug information into slipway.
const (
	elfMagic = "\x7fELF"
	// Positions in the header of a 64-bit binary, in bytes.
	elfClass, elfData, elfSegments, elfSegmentSize, elfSegmentCount, elfHeader = 4, 5, 32, 54, 56, 64
	// Values of these.
	elf64, littleEndian = 2, 1
	// segmentHeader is the length of the header of a segment, and segmentInterpreter the type
	// of the one that names the loader.
	segmentHeader, segmentInterpreter = 56, 3
)

// loader returns the dynamic loader of a 64-bit ELF binary, or "" if it has none.
func loader(file io.ReaderAt) string {
	header := make([]byte, elfHeader)
	if _, err := file.ReadAt(header, 0); err != nil || string(header[:len(elfMagic)]) != elfMagic || header[elfClass] != elf64 || header[elfData] != littleEndian {
		return ""
	}
	order := binary.LittleEndian
	first, size := int64(order.Uint64(header[elfSegments:])), int64(order.Uint16(header[elfSegmentSize:])) //nolint:gosec // a wrong position cannot be read
	if size < segmentHeader {
		return ""
	}
	for n := range int64(order.Uint16(header[elfSegmentCount:])) {
		segment := make([]byte, segmentHeader)
		if _, err := file.ReadAt(segment, first+n*size); err != nil {
			return ""
		}
		if order.Uint32(segment) != segmentInterpreter {
			continue
		}
		name := make([]byte, min(order.Uint64(segment[32:]), 4096))
		if _, err := file.ReadAt(name, int64(order.Uint64(segment[8:]))); err != nil { //nolint:gosec // as above
			return "a dynamic loader"
		}
		return string(bytes.TrimRight(name, "\x00"))
	}
	return ""
}
