// Package workflows holds the workflows that ship with slipway.
package workflows

import _ "embed" // for the files

// GitHub is the workflow of deploy.yml.
//
//go:embed deploy.yml
var GitHub string

// GitLab is the job of gitlab-ci.yml.
//
//go:embed gitlab-ci.yml
var GitLab string
