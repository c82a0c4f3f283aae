package attestation

// Release is what is known of the files of a release.
type Release struct {
	// Files are the files, in the order of the statement.
	Files []Digest
	// Source is the https URL of the repository, Tag the Git tag, and Revision its commit.
	Source, Tag, Revision string
	// Go is the version of the toolchain, such as 1.26.8.
	Go string
	// Builder identifies who built the files, and Invocation is the URL of the workflow run, or
	// empty.
	Builder, Invocation string
}

// Digest is a file and its SHA-256 in hexadecimal.
type Digest struct{ Name, SHA256 string }

// ReleaseProvenance returns the in-toto statement of how the files of a release were made.
func ReleaseProvenance(r Release) ([]byte, error) {
	subjects := []object{}
	for _, file := range r.Files {
		subjects = append(subjects, subject(file.Name, "sha256:"+file.SHA256))
	}
	run := object{"builder": object{"id": r.Builder, "version": object{"go": r.Go}}}
	if r.Invocation != "" {
		run["metadata"] = object{"invocationId": r.Invocation}
	}
	return encode(statement(subjects, object{
		"buildType":          docs + "releases.md#how-a-release-is-made",
		"externalParameters": object{"repository": r.Source, "tag": r.Tag},
		"resolvedDependencies": []object{
			{"uri": "git+" + r.Source, "digest": object{"gitCommit": r.Revision}},
			{"uri": Package{Ecosystem: Golang, Name: "stdlib", Version: r.Go}.url()},
		},
	}, run))
}

// statement returns an in-toto statement with a provenance.
func statement(subjects []object, definition, run object) object {
	return object{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
		"subject": subjects, "predicate": object{"buildDefinition": definition, "runDetails": run},
	}
}
