package image

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime/debug"
)

// What the go command writes into a program: a header of 32 bytes that begins with a magic, has
// flags and ends with zeros, and two strings that begin with their length. The second one lists the modules,
// between two markers of 16 bytes (the comments of debug/buildinfo). That package would bring
// readers for four formats of binaries and their debug information into slipway.
const (
	buildInfoMagic  = "\xff Go buildinf:"
	buildInfoHeader = 32
	buildInfoAlign  = 16
	inlineStrings   = 0x2
	markerLength    = 16
	// maxBuildInfo limits the length of a string. The list of slipway's own modules has 20 KB.
	maxBuildInfo = 16 << 20
)

var errNoBuildInfo = errors.New("the program has no build information of Go 1.18 or newer")

// buildInfo returns what the go command has written into a program: the modules that are linked
// into it.
func buildInfo(path string) (*debug.BuildInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	from := bufio.NewReaderSize(file, 1<<20)
	if err := skipToBuildInfo(from); err != nil {
		return nil, err
	}
	if _, err := from.Discard(buildInfoHeader); err != nil {
		return nil, err
	}
	var version, modules string
	for _, text := range []*string{&version, &modules} {
		length, err := binary.ReadUvarint(from)
		if err != nil || length > maxBuildInfo {
			return nil, errNoBuildInfo
		}
		content := make([]byte, length)
		if _, err := io.ReadFull(from, content); err != nil {
			return nil, err
		}
		*text = string(content)
	}
	if len(modules) < 2*markerLength {
		return nil, errNoBuildInfo
	}
	info, err := debug.ParseBuildInfo(modules[markerLength : len(modules)-markerLength])
	if err != nil {
		return nil, err
	}
	info.GoVersion = version
	return info, nil
}

// skipToBuildInfo reads until the header, which begins at a multiple of 16 bytes.
func skipToBuildInfo(from *bufio.Reader) error {
	for {
		block, err := from.Peek(from.Size())
		if len(block) < buildInfoHeader {
			return errNoBuildInfo
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		// The end of the block is looked at again with what follows, as the header may span both.
		most := len(block) - buildInfoHeader
		skip := most &^ (buildInfoAlign - 1)
		for at := 0; ; at++ {
			n := bytes.Index(block[at:], []byte(buildInfoMagic))
			if n < 0 {
				break
			}
			if at += n; at <= most && isHeader(at, block[at:]) {
				_, err := from.Discard(at)
				return err
			}
		}
		if skip == 0 || err != nil {
			return errNoBuildInfo
		}
		if _, err := from.Discard(skip); err != nil {
			return err
		}
	}
}

// isHeader reports whether what begins with the magic at a place is the header. A program such as
// slipway has the magic as a text, too, which may be at a multiple of 16 bytes by chance.
func isHeader(at int, text []byte) bool {
	rest := text[len(buildInfoMagic):buildInfoHeader]
	return at%buildInfoAlign == 0 && rest[1]&inlineStrings != 0 && len(bytes.Trim(rest[2:], "\x00")) == 0
}
