// Package attestation says what is in an image and how it was made: an SBOM in
// SPDX 2.3 (spdx.github.io/spdx-spec/v2.3) and a provenance in SLSA 1.0
// (slsa.dev/spec/v1.0/provenance), as JSON. Both hold nothing but what slipway
// knows, and no time but the commit's: the same inputs give the same bytes.
package attestation

import (
	"crypto/sha1" //nolint:gosec // SPDX demands it of files
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The types under which the documents are attached to an image.
const (
	TypeSBOM       = "application/spdx+json"
	TypeProvenance = "application/vnd.in-toto+json"
)

// buildType names how slipway builds, for a kind of image.
const buildType = "https://github.com/slipway-ci/slipway/blob/main/docs/images.md#"

// The ecosystems of packages, as package URLs name them:
// github.com/package-url/purl-spec.
const (
	PyPI   = "pypi"
	Golang = "golang"
)

// Package is one that an image has.
type Package struct {
	Ecosystem, Name, Version string
	// License is an SPDX expression; what is none, or empty, is told as a comment.
	License string
	// SHA256 is that of the file it came from; may be empty.
	SHA256 string
}

// Variant is the image of one platform of an index; its own documents tell what is
// in it.
type Variant struct{ Platform, Digest string }

// File is one of the tree.
type File struct {
	// Path is that below the tree's root, with slashes.
	Path string
	Text []byte
}

// Image is what is known of an image.
type Image struct {
	// Repository is where it is, Digest its manifest's, with sha256: in front.
	Repository, Digest string
	// Kind and Platform are those of its build, Inputs the identity of what it was
	// made of. An index has no platform, but Variants.
	Kind, Platform, Inputs string
	Variants               []Variant
	// Base is the base's reference by digest; empty for none.
	Base string
	// Sources are what the stages of a Dockerfile are made of, by digest.
	Sources []string
	// Dockerfile is the file that says how it is made; nil for other kinds.
	Dockerfile *File
	Packages   []Package
	// Source, Revision and Created are the commit's; empty where something is
	// uncommitted.
	Source, Revision string
	Created          time.Time
	// Builder is who built it, Version slipway's, Invocation the address of the
	// workflow's run; may be empty.
	Builder, Version, Invocation string
	// Parameters are what slipway.yaml says of it. No secret is among them.
	Parameters map[string]any
}

type object = map[string]any

// SBOM gives the SPDX document of an image.
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
		"creationInfo":      object{"created": i.time(), "creators": []string{"Tool: slipway-" + i.Version}},
		"packages":          packages, "relationships": relations,
	}
	if i.Dockerfile != nil {
		root["comment"] = "What the steps of the Dockerfile install is not known here."
		document["files"] = []object{i.Dockerfile.spdx("SPDXRef-dockerfile")}
		document["relationships"] = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "GENERATED_FROM", "relatedSpdxElement": "SPDXRef-dockerfile"})
	}
	return encode(document)
}

// container gives the package that an image is.
func container(id, reference string) object {
	repository, digest, _ := strings.Cut(reference, "@")
	return object{
		"SPDXID": id, "name": repository, "versionInfo": digest, "downloadLocation": none, "filesAnalyzed": false,
		"licenseConcluded": none, "licenseDeclared": none, "copyrightText": none, "primaryPackagePurpose": "CONTAINER",
		"externalRefs": []object{purl(imageURL(repository, digest))},
	}
}

// spdx gives the file's element, of which SPDX 2.3 demands the SHA-1.
func (f File) spdx(id string) object {
	return object{
		"SPDXID": id, "fileName": "./" + f.Path, "licenseConcluded": none, "copyrightText": none, "fileTypes": []string{"SOURCE"},
		"checksums": []object{
			{"algorithm": "SHA1", "checksumValue": fmt.Sprintf("%x", sha1.Sum(f.Text))}, //nolint:gosec // a format's demand; SHA-256 is beside it
			{"algorithm": "SHA256", "checksumValue": fmt.Sprintf("%x", sha256.Sum256(f.Text))},
		},
	}
}

const none = "NOASSERTION"

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

// url gives the package URL.
func (p Package) url() string {
	url := "pkg:" + p.Ecosystem + "/" + p.Name
	if p.Version != "" {
		url += "@" + strings.ReplaceAll(p.Version, "+", "%2B")
	}
	return url
}

func imageURL(repository, digest string) string {
	name := repository[strings.LastIndex(repository, "/")+1:]
	return "pkg:oci/" + name + "@" + strings.ReplaceAll(digest, ":", "%3A") + "?repository_url=" + repository
}

func purl(url string) object {
	return object{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url}
}

// Provenance gives the in-toto statement of how an image was made.
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
	return encode(object{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
		"subject": subjects,
		"predicate": object{
			"buildDefinition": object{
				"buildType": buildType + i.Kind, "externalParameters": i.Parameters,
				"internalParameters":   internal,
				"resolvedDependencies": dependencies,
			},
			"runDetails": run,
		},
	})
}

// subject names what a statement is about.
func subject(repository, digest string) object {
	_, hex, _ := strings.Cut(digest, ":")
	return object{"name": repository, "digest": object{"sha256": hex}}
}

// time gives the commit's time, or the Unix epoch: never the clock's.
func (i Image) time() string {
	if i.Created.IsZero() {
		return time.Unix(0, 0).UTC().Format(time.RFC3339)
	}
	return i.Created.UTC().Format(time.RFC3339)
}

func encode(document object) ([]byte, error) {
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write an attestation: %w", err)
	}
	return text, nil
}
