package image

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// keyBytes is how much of a file is searched for a private key.
const keyBytes = 64 << 10

// Excluded tells whether a file or directory of this name never goes into an image,
// wherever in the tree it is.
func Excluded(name string) bool { return excluded(name) }

// PrivateKey tells whether the file at a path below root holds a private key, which
// never goes into an image. A file that cannot be read holds none: whoever wants it
// says so.
func PrivateKey(root *os.Root, path string) bool {
	if !mayHoldKey(filepath.Base(path)) {
		return false
	}
	file, err := root.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, keyBytes))
	return err == nil && holdsKey(text)
}

// excluded tells what never goes into an image, by the name of the file or
// directory, wherever in the tree it is: what belongs to tools, and credentials
// that tools leave in a work tree. __pycache__ is among them because the times in
// it differ on each machine.
func excluded(name string) bool {
	switch name {
	case ".git", ".slipway", ".cache", "__pycache__", ".netrc", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return true
	}
	return strings.HasPrefix(name, "gha-creds-") && strings.HasSuffix(name, ".json")
}

// mayHoldKey tells whether a file of this name is searched for a private key:
// certificates have these names too and belong into images, so that the name
// alone does not tell. A service account's key is JSON with a private key in it.
func mayHoldKey(name string) bool {
	return slices.ContainsFunc([]string{".pem", ".key", ".p8", ".ppk", ".json"}, func(suffix string) bool {
		return strings.HasSuffix(strings.ToLower(name), suffix)
	})
}

// holdsKey tells whether the beginning of a file has a private key in it.
func holdsKey(text []byte) bool {
	for {
		_, rest, found := bytes.Cut(text, []byte("-----BEGIN "))
		if !found {
			return bytes.HasPrefix(text, []byte("PuTTY-User-Key-File-"))
		}
		label, _, _ := bytes.Cut(rest[:min(len(rest), 64)], []byte("-----"))
		if bytes.HasSuffix(label, []byte("PRIVATE KEY")) || bytes.HasSuffix(label, []byte("PRIVATE KEY BLOCK")) {
			return true
		}
		text = rest
	}
}
