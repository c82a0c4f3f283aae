// Package attestation describes what is in an image or a program and how it was made, as
// JSON: an SBOM in SPDX 2.3 (spdx.github.io/spdx-spec/v2.3) and a provenance in SLSA 1.0
// (slsa.dev/spec/v1.0/provenance). Both contain only facts that slipway knows, and no time
// except that of the commit, so the same inputs produce the same bytes.
package attestation

import (
	"crypto/sha1" //nolint:gosec // SPDX demands it of files
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Media types with which the documents are attached to an image.
const (
	TypeSBOM       = "application/spdx+json"
	TypeProvenance = "application/vnd.in-toto+json"
)

// buildType is the prefix of the SLSA build type of an image. Its kind follows.
const buildType = docs + "images.md#"

// docs is where the pages of slipway are.
const docs = "https://github.com/slipway-ci/slipway/blob/main/docs/"

// Ecosystems of packages, as package URLs name them: github.com/package-url/purl-spec.
const (
	PyPI   = "pypi"
	Golang = "golang"
	// Debian is followed by a slash and the distribution.
	Debian = "deb"
)

// Package is a package in an image.
type Package struct {
	Ecosystem, Name, Version string
	// Architecture is that of a Debian package, or empty.
	Architecture string
	// License is an SPDX expression. Any other text goes into a comment of the SBOM.
	License string
	// SHA256 is the hash, in hexadecimal, of the file that the package came from, or empty.
	SHA256 string
}

// Variant is the image of one platform of an index. It has documents of its own, which
// describe its contents.
type Variant struct{ Platform, Digest string }

// File is a file of the source tree.
type File struct {
	// Path is relative to the root of the tree, with slashes.
	Path string
	Text []byte
}

// Image is what is known of an image.
type Image struct {
	// Repository is where the image is, and Digest that of its manifest, with the prefix
	// sha256:.
	Repository, Digest string
	// Kind and Platform are those of the build, and Inputs is the identity of what the
	// image is made of. An index has Variants and no Platform.
	Kind, Platform, Inputs string
	Variants               []Variant
	// Base is the reference of the base image, by digest, or empty.
	Base string
	// Sources are the images that the stages of a Dockerfile use, by digest.
	Sources []string
	// Dockerfile is the Dockerfile of the image, or nil for other kinds.
	Dockerfile *File
	Packages   []Package
	// Source, Revision and Created are those of the commit. They are empty if the working
	// tree has uncommitted changes.
	Source, Revision string
	Created          time.Time
	// Builder identifies who built the image, Version is the version of slipway, and
	// Invocation is the URL of the workflow run, or empty.
	Builder, Version, Invocation string
	// Parameters are the settings of the image in slipway.yaml. They contain no secrets.
	Parameters map[string]any
}

type object = map[string]any

// SBOM returns the SPDX document of an image.
func SBOM(i Image) ([]byte, error) {
	_, hex, _ := strings.Cut(i.Digest, ":")
	root := object{
		"SPDXID": "SPDXRef-image", "name": i.Repository, "versionInfo": i.Digest, "downloadLocation": none,
		"filesAnalyzed": false, "licenseConcluded": none, "licenseDeclared": none, "copyrightText": none, "primaryPackagePurpose": "CONTAINER",
		"checksums":    []object{{"algorithm": "SHA256", "checksumValue": hex}},
		"externalRefs": []object{purl(imageURL(i.Repository, i.Digest))},
	}
	packages := []object{root}
	relations := []object{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"}}
	if i.Base != "" {
		packages = append(packages, container("SPDXRef-base", i.Base))
		relations = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "DESCENDANT_OF", "relatedSpdxElement": "SPDXRef-base"})
	}
	for n, reference := range i.Sources {
		id := fmt.Sprintf("SPDXRef-source-%d", n+1)
		packages = append(packages, container(id, reference))
		relations = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "GENERATED_FROM", "relatedSpdxElement": id})
	}
	for n, v := range i.Variants {
		id := fmt.Sprintf("SPDXRef-variant-%d", n+1)
		variant := container(id, i.Repository+"@"+v.Digest)
		variant["comment"] = "for " + v.Platform
		packages = append(packages, variant)
		relations = append(relations, object{"spdxElementId": id, "relationshipType": "VARIANT_OF", "relatedSpdxElement": "SPDXRef-image"})
	}
	for n, p := range i.Packages {
		id := fmt.Sprintf("SPDXRef-package-%d", n+1)
		packages = append(packages, p.spdx(id))
		relations = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": id})
	}
	document := object{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": i.Repository + "@" + i.Digest,
		"documentNamespace": "https://github.com/slipway-ci/slipway/sbom/" + hex,
		"creationInfo":      creation(i.Created, i.Version),
		"packages":          packages, "relationships": relations,
	}
	if i.Dockerfile != nil {
		root["comment"] = "What the steps of the Dockerfile install is not known here."
		document["files"] = []object{i.Dockerfile.spdx("SPDXRef-dockerfile")}
		document["relationships"] = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "GENERATED_FROM", "relatedSpdxElement": "SPDXRef-dockerfile"})
	}
	return encode(document)
}

// container returns the SPDX package of an image.
func container(id, reference string) object {
	repository, digest, _ := strings.Cut(reference, "@")
	return object{
		"SPDXID": id, "name": repository, "versionInfo": digest, "downloadLocation": none, "filesAnalyzed": false,
		"licenseConcluded": none, "licenseDeclared": none, "copyrightText": none, "primaryPackagePurpose": "CONTAINER",
		"externalRefs": []object{purl(imageURL(repository, digest))},
	}
}

// spdx returns the SPDX element of the file. SPDX 2.3 requires its SHA-1.
func (f File) spdx(id string) object {
	return object{
		"SPDXID": id, "fileName": "./" + f.Path, "licenseConcluded": none, "copyrightText": none, "fileTypes": []string{"SOURCE"},
		"checksums": []object{
			{"algorithm": "SHA1", "checksumValue": fmt.Sprintf("%x", sha1.Sum(f.Text))}, //nolint:gosec // required by the format; SHA-256 is next to it
			{"algorithm": "SHA256", "checksumValue": fmt.Sprintf("%x", sha256.Sum256(f.Text))},
		},
	}
}

// none is the value for what is not known, in SPDX.
const none = "NOASSERTION"

// spdx returns the SPDX element of the package.
func (p Package) spdx(id string) object {
	license := none
	o := object{
		"SPDXID": id, "name": p.Name, "downloadLocation": none, "filesAnalyzed": false,
		"licenseConcluded": none, "copyrightText": none, "externalRefs": []object{purl(p.url())},
	}
	if p.Version != "" {
		o["versionInfo"] = p.Version
	}
	switch {
	case isExpression(p.License):
		license = p.License
	case p.License != "":
		o["licenseComments"] = "declared as: " + p.License
	}
	o["licenseDeclared"] = license
	if p.SHA256 != "" {
		o["checksums"] = []object{{"algorithm": "SHA256", "checksumValue": p.SHA256}}
	}
	return o
}

// url returns the package URL.
func (p Package) url() string {
	url := "pkg:" + p.Ecosystem + "/" + p.Name
	if p.Version != "" {
		url += "@" + strings.NewReplacer("+", "%2B", ":", "%3A").Replace(p.Version)
	}
	if p.Architecture != "" {
		url += "?arch=" + p.Architecture
	}
	return url
}

// imageURL returns the package URL of an image.
func imageURL(repository, digest string) string {
	name := repository[strings.LastIndex(repository, "/")+1:]
	if name == repository { // a directory or an archive on disk
		return "pkg:oci/" + url.PathEscape(name) + "@" + strings.ReplaceAll(digest, ":", "%3A")
	}
	return "pkg:oci/" + name + "@" + strings.ReplaceAll(digest, ":", "%3A") + "?repository_url=" + repository
}

// purl returns the SPDX reference to a package URL.
func purl(url string) object {
	return object{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}
}

// Provenance returns the in-toto statement of how an image was made.
func Provenance(i Image) ([]byte, error) {
	subjects := []object{subject(i.Repository, i.Digest)}
	internal := object{"inputs": i.Inputs}
	if i.Platform != "" {
		internal["platform"] = i.Platform
	}
	if len(i.Variants) > 0 {
		var platforms []string
		for _, v := range i.Variants {
			subjects, platforms = append(subjects, subject(i.Repository, v.Digest)), append(platforms, v.Platform)
		}
		internal["platforms"] = platforms
	}
	dependencies := []object{}
	for _, reference := range append([]string{i.Base}, i.Sources...) {
		if repository, digest, found := strings.Cut(reference, "@"); found {
			_, sum, _ := strings.Cut(digest, ":")
			dependencies = append(dependencies, object{"uri": imageURL(repository, digest), "digest": object{"sha256": sum}})
		}
	}
	if i.Dockerfile != nil {
		dependencies = append(dependencies, object{"name": i.Dockerfile.Path, "digest": object{"sha256": fmt.Sprintf("%x", sha256.Sum256(i.Dockerfile.Text))}})
	}
	if i.Revision != "" {
		dependencies = append(dependencies, object{"uri": "git+" + i.Source, "digest": object{"gitCommit": i.Revision}})
	}
	for _, p := range i.Packages {
		one := object{"uri": p.url()}
		if p.SHA256 != "" {
			one["digest"] = object{"sha256": p.SHA256}
		}
		dependencies = append(dependencies, one)
	}
	run := object{"builder": object{"id": i.Builder, "version": object{"slipway": i.Version}}}
	if i.Invocation != "" {
		run["metadata"] = object{"invocationId": i.Invocation}
	}
	return encode(statement(subjects, object{
		"buildType": buildType + i.Kind, "externalParameters": i.Parameters,
		"internalParameters":   internal,
		"resolvedDependencies": dependencies,
	}, run))
}

// subject returns a subject of a statement.
func subject(repository, digest string) object {
	_, hex, _ := strings.Cut(digest, ":")
	return object{"name": repository, "digest": object{"sha256": hex}}
}

// creation returns the creation information of a document that this version of slipway
// writes. Its time is that of the commit or, without one, the Unix epoch. It is never the
// current time, which would change the bytes of the document.
func creation(commit time.Time, version string) object {
	if commit.IsZero() {
		commit = time.Unix(0, 0)
	}
	return object{"created": commit.UTC().Format(time.RFC3339), "creators": []string{"Tool: slipway-" + version}}
}

// encode returns a document as indented JSON. Its keys are sorted, as in all maps.
func encode(document object) ([]byte, error) {
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write an attestation: %w", err)
	}
	return text, nil
}
