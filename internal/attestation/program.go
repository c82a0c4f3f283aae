package attestation

import (
	"runtime/debug"
	"strings"
	"time"
)

// Program is what is known of a compiled Go program.
type Program struct {
	// Name is that of its file, Version that of its module, and Platform the one that it is
	// for, such as linux/amd64.
	Name, Version, Platform string
	// SHA256 is the hash of its file, in hexadecimal.
	SHA256 string
	// License is an SPDX expression.
	License string
	// Modules are those that it was linked from (see the function Modules).
	Modules []Package
	// Created is the time of the commit, or zero.
	Created time.Time
}

// ProgramSBOM returns the SPDX document of a program.
func ProgramSBOM(p Program) ([]byte, error) {
	const id = "SPDXRef-program"
	root := Package{Name: p.Name, Version: p.Version, License: p.License, SHA256: p.SHA256}.spdx(id)
	delete(root, "externalRefs") // its module is one of the packages
	root["primaryPackagePurpose"], root["packageFileName"], root["comment"] = "APPLICATION", p.Name, "for "+p.Platform
	packages := []object{root}
	relations := []object{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": id}}
	for _, module := range p.Modules {
		packages = append(packages, module.spdx(module.id()))
		relations = append(relations, object{"spdxElementId": id, "relationshipType": "CONTAINS", "relatedSpdxElement": module.id()})
	}
	return encode(object{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": p.Name + " " + p.Version + " for " + p.Platform,
		"documentNamespace": "https://github.com/slipway-ci/slipway/sbom/" + p.SHA256,
		"creationInfo":      creation(p.Created, p.Version),
		"packages":          packages, "relationships": relations,
	})
}

// id returns the SPDX identifier of a module. It may have letters, digits, dots and dashes.
func (p Package) id() string {
	return "SPDXRef-module-" + strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '.', r == '-':
			return r
		}
		return '-'
	}, p.Name+"-"+p.Version)
}

// Modules returns the modules that a Go program was linked from, according to its build
// information. The first is its own, and the standard library is the second.
func Modules(info *debug.BuildInfo) []Package {
	var all []Package
	if info.Main.Path != "" {
		version := info.Main.Version
		if version == "(devel)" {
			version = "" // a build from a tree without a version
		}
		all = append(all, Package{Ecosystem: Golang, Name: info.Main.Path, Version: version})
	}
	all = append(all, Package{Ecosystem: Golang, Name: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, Package{Ecosystem: Golang, Name: m.Path, Version: m.Version})
	}
	return all
}
