package image

import (
	"bytes"
	"slices"
	"strings"
)

// keyBytes is how much of a file is searched for a private key.
const keyBytes = 64 << 10

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
