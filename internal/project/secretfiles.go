package project

import (
	"bytes"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// SecretFiles returns the files of the working tree from which slipway.yaml reads secrets, and its
// kubeconfig, relative to its directory and with slashes. A certificate is public, and programs
// need those of authorities, so that it is not one of them.
func SecretFiles(cfg *config.Config) (names []string) {
	var all []string
	for _, text := range cfg.Sources() {
		if from, err := secret.ParseSource(text); err == nil && from.Scheme == "file" {
			all = append(all, from.Name)
		}
	}
	if cfg.Cluster != nil && cfg.Cluster.Kubeconfig != nil {
		all = append(all, cfg.Cluster.Kubeconfig.Path)
	}
	for _, name := range all {
		if name == "" {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(cfg.Dir, filepath.FromSlash(name))
		}
		if isCertificate(name) {
			continue
		}
		names = appendBelow(names, cfg.Dir, name)
		dir, dirErr := filepath.EvalSymlinks(cfg.Dir)
		if target, err := filepath.EvalSymlinks(name); err == nil && dirErr == nil {
			names = appendBelow(names, dir, target)
		}
	}
	return names
}

// appendBelow appends the path of a file, relative to a directory, if the file is below it.
func appendBelow(names []string, dir, name string) []string {
	below, err := filepath.Rel(dir, name)
	if err != nil || !filepath.IsLocal(below) {
		return names
	}
	return append(names, filepath.ToSlash(below))
}

// isCertificate reports whether a file begins with a certificate. A private key that follows it
// keeps the file out of images by itself.
func isCertificate(name string) bool {
	file, err := source.Open(nil, name)
	if err != nil {
		return false
	}
	defer file.Close()
	const begin = "-----BEGIN CERTIFICATE-----"
	head := make([]byte, len(begin))
	n, _ := file.Read(head)
	return bytes.Equal(head[:n], []byte(begin))
}
