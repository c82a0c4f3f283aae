package google

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	fileVariable = "GOOGLE_APPLICATION_CREDENTIALS"
	// maxFile is the maximum size of a file with credentials.
	maxFile = 1 << 20
)

// NoCredentialsError reports that this machine has no credentials for Google.
type NoCredentialsError struct {
	// Searched are the places without credentials, in order.
	Searched []string
	// Advice says what to do.
	Advice string
}

// Error implements error.
func (e *NoCredentialsError) Error() string {
	return "no credentials for Google Cloud (searched: " + strings.Join(e.Searched, "; ") + "): " + e.Advice
}

// useDefault makes c the Application Default Credentials of this machine. These are, in
// order: the file that GOOGLE_APPLICATION_CREDENTIALS names; the file that gcloud writes;
// the account of this virtual machine or pod, from the metadata server. See
// cloud.google.com/docs/authentication/application-default-credentials.
func (c *Credentials) useDefault(ctx context.Context) error {
	if path := c.options.env(fileVariable); path != "" {
		if err := source.CheckPath(path, fileVariable); err != nil {
			c.Learn([]byte(path), true)
			return err
		}
		text, err := readFile(ctx, path)
		if err != nil {
			return fmt.Errorf("%s: %w", fileVariable, err)
		}
		return c.useFile(text, fmt.Sprintf("%s (%s)", path, fileVariable))
	}
	none := &NoCredentialsError{Searched: []string{fileVariable + " is not set"}, Advice: c.advice()}
	if path := c.options.gcloudFile(); path != "" {
		switch text, err := readFile(ctx, path); {
		case err == nil:
			return c.useFile(text, path)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		none.Searched = append(none.Searched, path+" does not exist")
	}
	found, err := c.useMetadata(ctx)
	if !found && err == nil {
		none.Searched = append(none.Searched, "there is no metadata server of Google Cloud")
		err = none
	}
	return err
}

// gcloudFile returns the path of the file that gcloud writes Application Default
// Credentials to, or "" if the environment names no directory for it.
func (o Options) gcloudFile() string {
	const name = "application_default_credentials.json"
	if dir := o.env("CLOUDSDK_CONFIG"); dir != "" {
		return filepath.Join(dir, name)
	}
	if dir := o.env("APPDATA"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "gcloud", name)
	}
	if dir := o.env("HOME"); dir != "" {
		return filepath.Join(dir, ".config", "gcloud", name)
	}
	return ""
}

// advice says how to get credentials where this process runs.
func (c *Credentials) advice() string {
	if c.options.env("GITHUB_ACTIONS") == "true" {
		return "configure Workload Identity Federation and give the job `permissions: id-token: write`, or give a service account key as a secret"
	}
	if c.options.env("GITLAB_CI") == "true" {
		return "configure Workload Identity Federation and give the job an id_token, or give a service account key as a variable"
	}
	return "run `gcloud auth application-default login`, or give a service account key"
}

// readFile reads a file with credentials, which may be a pipe. Its error names the path.
func readFile(ctx context.Context, path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, and not a file with credentials", path)
	}
	text, err := secret.ReadFile(ctx, path, maxFile+1)
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than 1 MiB, which no file with credentials is", path)
	}
	return text, err
}
