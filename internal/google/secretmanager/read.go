package secretmanager

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/secret"
)

// maxSize is the maximum size of a secret, in bytes. See cloud.google.com/secret-manager/quotas.
const maxSize = 64 << 10

// Reader reads secrets. It is safe for concurrent use.
type Reader struct {
	Credentials *google.Credentials
	// Secrets learns each value before it is returned. It may be nil.
	Secrets secret.Learner
}

// answer is the answer to a request for a version. See
// cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access.
type answer struct {
	Name    string `json:"name"`
	Payload struct {
		Data string `json:"data"`
		// Checksum is the CRC32C of the data, as a decimal in a string.
		Checksum string `json:"dataCrc32c"`
	} `json:"payload"`
}

// Read returns the value of a secret in the form that Parse describes. It compares the
// value with its checksum, and asks once more if they differ. The error contains no part of
// the value. It is a *StateError, *NotFoundError, *ChecksumError, or one of package google.
func (r *Reader) Read(ctx context.Context, text string) (secret.Value, error) {
	name, err := Parse(text)
	if err != nil {
		return secret.Value{}, err
	}
	value, err := r.read(ctx, name)
	if damaged := new(ChecksumError); errors.As(err, &damaged) {
		value, err = r.read(ctx, name)
	}
	if err != nil {
		return secret.Value{}, err
	}
	secret.LearnAll(r.Secrets, value)
	return value, nil
}

// read asks for a version once.
func (r *Reader) read(ctx context.Context, name Name) (secret.Value, error) {
	var a answer
	if err := r.client(name).Get(ctx, "v1/"+name.String()+":access", nil, &a); err != nil {
		return secret.Value{}, r.explain(ctx, name, err)
	}
	data, err := base64.StdEncoding.DecodeString(a.Payload.Data)
	sum, err2 := strconv.ParseUint(a.Payload.Checksum, 10, 32)
	switch {
	case err != nil, err2 != nil, uint32(sum) != crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)):
		return secret.Value{}, &ChecksumError{Name: name}
	case len(data) == 0:
		return secret.Value{}, fmt.Errorf("the secret %s is empty", name)
	case len(data) > maxSize:
		return secret.Value{}, fmt.Errorf("the secret %s is larger than 64 KiB, more than Secret Manager allows", name)
	}
	return secret.NewValue(data), nil
}

// client returns the client for the Secret Manager that keeps a secret. A regional secret is only at
// the address of its region. See cloud.google.com/secret-manager/regional-secrets/data-residency. An address that the environment
// names for gcloud is used for all regions.
func (r *Reader) client(name Name) *google.Client {
	at := r.Credentials.Endpoints().SecretManager
	if name.Location != "" && at == google.Public().SecretManager {
		at = "https://secretmanager." + name.Location + ".rep.googleapis.com"
	}
	return r.Credentials.Client(at)
}

// explain returns the error of a request for a version.
func (r *Reader) explain(ctx context.Context, name Name, err error) error {
	refused := new(google.APIError)
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("read the secret %s: %w", name, err)
	case refused.Code == http.StatusNotFound:
		return r.missing(ctx, name, err)
	case refused.Status == "FAILED_PRECONDITION":
		if unusable := stateOf(name, refused); unusable != nil {
			return unusable
		}
	}
	return fmt.Errorf("read the secret %s: %w", name, err)
}
