// Package debian adds Debian packages to the file system of a base image, without running apt or
// dpkg: it reads the base's apt sources and dpkg status, verifies the signed index of a repository,
// resolves dependencies, and writes the packages as a layer. It runs no maintainer scripts.
package debian

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxLine and maxParagraph limit the size of a line and of a paragraph of a control file, in
	// bytes. The longest real ones are lists of what a package provides, of some 100 kB.
	maxLine      = 4 << 20
	maxParagraph = 16 << 20
)

// paragraph has the fields of a paragraph of a control file, by their names in lower case. See
// deb822(5).
type paragraph map[string]string

// readParagraphs calls each with every paragraph of a control file. If wanted is not nil, the
// paragraphs have only those fields. Lines of a value are separated by \n, without their first
// blank.
func readParagraphs(r io.Reader, wanted map[string]bool, each func(paragraph) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	now, field, size := paragraph{}, "", 0
	var value []byte // of the field, which may have many lines
	begun := false
	endField := func() {
		if field != "" {
			now[field] = string(value)
		}
	}
	end := func() error {
		if !begun {
			return nil
		}
		endField()
		done := now
		now, field, size, begun = paragraph{}, "", 0, false
		return each(done)
	}
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", number, err)
		}
		last := err != nil
		text := bytes.TrimRight(line, " \t\r")
		if size += len(line); size > maxParagraph {
			return fmt.Errorf("line %d: a paragraph has more than %d MiB", number, maxParagraph>>20)
		}
		switch {
		case len(text) == 0:
			if err := end(); err != nil {
				return err
			}
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if !begun {
				return fmt.Errorf("line %d: a continuation line without a field", number)
			}
			if field != "" {
				value = append(append(value, '\n'), text[1:]...)
			}
		default:
			name, first, found := bytes.Cut(text, []byte(":"))
			if !found || len(name) == 0 || bytes.ContainsAny(name, " \t") {
				return fmt.Errorf("line %d is not a field", number)
			}
			begun = true
			endField()
			if field = strings.ToLower(string(name)); wanted != nil && !wanted[field] {
				field = ""
				break
			}
			value = append(value[:0], bytes.TrimLeft(first, " \t")...)
		}
		if last {
			return end()
		}
	}
}

// readLine returns the next line without its end, and io.EOF with the last one.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		whole := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(whole) <= maxLine {
			line, err = r.ReadSlice('\n')
			whole = append(whole, line...)
		}
		if line = whole; len(whole) > maxLine {
			return nil, fmt.Errorf("it has more than %d MiB", maxLine>>20)
		}
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}
