package config

import (
	"errors"

	"github.com/slipway-ci/slipway/internal/source"
)

// Unsupported returns a *source.Error for each part of the configuration that this version
// does not implement, joined. Such a part is refused by name, never ignored.
func (c *Config) Unsupported() error {
	var errs []*source.Error
	refuse := func(hint, what string, path ...string) {
		errs = append(errs, &source.Error{Position: c.At(path...), Message: what + " is not supported by this version of slipway", Hint: hint})
	}
	if c.Bucket != "" {
		refuse("leave it out, and use gcloud storage for now", "Cloud Storage (bucket)", "bucket")
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(inOrder(errs))
}
