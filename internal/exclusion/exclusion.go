// Package exclusion tells which files of a working tree never go into an image: what tools
// leave behind, credentials, and private keys.
package exclusion

import (
	"bytes"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// KeyBytes is how many bytes of a file are searched for a private key.
const KeyBytes = 64 << 10

// PrivateKey reports whether the file at a path below root holds a private key, and so
// never goes into an image. It returns false for a file that cannot be read: code that
// needs the file reports that itself.
func PrivateKey(root *os.Root, path string) bool {
	if !MayHoldKey(filepath.Base(path)) {
		return false
	}
	file, err := source.Open(root, path)
	if err != nil {
		return false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, KeyBytes))
	return err == nil && HoldsKey(text)
}

// Excluded reports whether a file or directory of this name never goes into an image,
// wherever in the tree it is: data of tools, and credentials that tools leave in a working
// tree. __pycache__ is excluded because it contains times, which differ between machines, and
// slipway.lock because a build writes it.
func Excluded(name string) bool {
	switch name {
	case ".git", ".slipway", ".cache", "__pycache__", "slipway.lock":
		return true
	}
	return HoldsCredentials(name)
}

// HoldsCredentials reports whether a file of this name holds credentials and so never goes
// into an image.
func HoldsCredentials(name string) bool {
	switch name {
	case ".netrc", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return true
	}
	return strings.HasPrefix(name, "gha-creds-") && strings.HasSuffix(name, ".json")
}

// OftenSecret reports whether a file at this path, with slashes, is one in which users and
// tools often keep secrets, but which a program may need.
func OftenSecret(file string) bool {
	name := strings.ToLower(path.Base(file))
	if isEnvironmentFile(name) {
		return true
	}
	switch path.Base(path.Dir(file)) + "/" + name {
	case ".aws/credentials", ".kube/config", ".docker/config.json", ".streamlit/secrets.toml", "gcloud/credentials.db":
		return true
	}
	switch name {
	case "credentials.json", "application_default_credentials.json", "kubeconfig", "kubeconfig.yaml", "kubeconfig.yml", "kaggle.json",
		".git-credentials", ".pypirc", ".pgpass", ".dockercfg", ".dockerconfigjson", "_netrc":
		return true
	}
	if strings.HasPrefix(name, "client_secret") && strings.HasSuffix(name, ".json") {
		return true
	}
	return slices.Contains([]string{".kubeconfig", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"}, path.Ext(name))
}

// isEnvironmentFile reports whether a file of this name holds variables for dotenv
// libraries. It returns false for examples of such files.
func isEnvironmentFile(name string) bool {
	rest, ok := strings.CutPrefix(name, ".env")
	return strings.HasSuffix(name, ".env") || ok && (rest == "" || rest[0] == '.') &&
		!slices.Contains([]string{".example", ".sample", ".template", ".dist", ".schema", ".defaults"}, path.Ext(rest))
}

// MayHoldKey reports whether a file of this name is searched for a private key. The name
// alone is not enough, because certificates, which images need, have the same names. The
// JSON key of a service account contains a private key.
func MayHoldKey(name string) bool {
	return slices.ContainsFunc([]string{".pem", ".key", ".p8", ".ppk", ".json"}, func(suffix string) bool {
		return strings.HasSuffix(strings.ToLower(name), suffix)
	})
}

// HoldsKey reports whether text, the beginning of a file, contains a private key.
func HoldsKey(text []byte) bool {
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
