package debian

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxControl limits the size of all control files of a package when they are unpacked, in bytes.
	maxControl = 64 << 20
	// maxData limits the size of the files of a package when they are unpacked. The largest real
	// ones have some 5 GB.
	maxData = 64 << 30
	// maxMembers limits the number of files in the archive of a package. Real ones have three or
	// four.
	maxMembers = 16
	// arMagic begins an ar archive, and arHeader is the size of the header of a file in it: ar(5).
	arMagic  = "!<arch>\n"
	arHeader = 60
)

// readDeb reads a package as a stream: deb(5). It calls control with its control files by their
// names, and then data with the unpacked archive of its files. Names are not checked.
func readDeb(r io.Reader, control func(map[string][]byte) error, data func(io.Reader) error) error {
	start := make([]byte, len(arMagic))
	if _, err := io.ReadFull(r, start); err != nil || string(start) != arMagic {
		return errors.Join(errors.New("it is not a Debian package"), err)
	}
	seen := map[string]bool{}
	for n := 0; ; n++ {
		header := make([]byte, arHeader)
		if _, err := io.ReadFull(r, header); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read the archive of the package: %w", err)
		}
		name := strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
		size, err := strconv.ParseInt(strings.TrimSpace(string(header[48:58])), 10, 64)
		if err != nil || size < 0 || string(header[58:]) != "`\n" || n == maxMembers {
			return errors.New("the archive of the package is malformed")
		}
		body := &io.LimitedReader{R: r, N: size}
		kind := strings.TrimSuffix(name, path.Ext(name))
		if path.Ext(name) == ".tar" {
			kind = name
		}
		switch {
		case name == "debian-binary":
			text, err := io.ReadAll(io.LimitReader(body, 16))
			if err != nil || !bytes.HasPrefix(text, []byte("2.")) {
				return errors.Join(fmt.Errorf("the package is of the format %q, which is not supported", text), err)
			}
		case seen[kind]:
			return fmt.Errorf("the package has %s twice", kind)
		case kind == "control.tar":
			files, err := readControl(name, body)
			if err != nil {
				return err
			}
			if err := control(files); err != nil {
				return err
			}
		case kind == "data.tar":
			if !seen["control.tar"] {
				return errors.New("the package has its files before its control files")
			}
			if err := readData(name, body, data); err != nil {
				return err
			}
		case strings.HasPrefix(name, "_"):
		default:
			return fmt.Errorf("the package has a file %q in its archive", name)
		}
		seen[kind] = true
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if body.N > 0 {
			return io.ErrUnexpectedEOF
		}
		if size%2 == 1 {
			if _, err := io.CopyN(io.Discard, r, 1); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
	}
	if !seen["debian-binary"] || !seen["control.tar"] || !seen["data.tar"] {
		return errors.New("the package is not complete")
	}
	return nil
}

// readControl returns the control files of a package.
func readControl(name string, r io.Reader) (map[string][]byte, error) {
	plain, err := decompress(name, r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	files := map[string][]byte{}
	archive := tar.NewReader(bounded.NewReader(plain, maxControl, errTooLarge))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the control files: %w", err)
		}
		file := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !controlFile.MatchString(file) {
			continue // such as the directory itself
		}
		if files[file], err = io.ReadAll(archive); err != nil {
			return nil, fmt.Errorf("read the control file %s: %w", file, err)
		}
	}
}

// readData calls data with the archive of a package's files.
func readData(name string, r io.Reader, data func(io.Reader) error) error {
	plain, err := decompress(name, r)
	if err != nil {
		return err
	}
	defer plain.Close()
	return data(bounded.NewReader(plain, maxData, errTooLarge))
}
