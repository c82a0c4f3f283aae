package config

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/patternmatcher"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// form is the syntax of a text value.
type form struct {
	// pattern is the regular expression that the JSON schema has for editors.
	pattern *lazyregexp.Regexp
	// description says what the syntax is in error messages.
	description string
	// check, if set, is used instead of pattern, for rules that a pattern cannot express.
	check func(string) bool
	// secret is set if an invalid value must not be printed because it may be a secret.
	secret bool
	// literal is set if a number or a boolean is taken as text, too.
	literal bool
}

func (f form) matches(text string) bool {
	if f.check != nil {
		return f.check(text)
	}
	return f.pattern == nil || f.pattern.MatchString(text)
}

// forms holds the forms by the names that the tag form uses.
var forms = map[string]form{
	"slug": {pattern: lazyregexp.New(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`), description: "lowercase letters, digits and dashes, at most 63"},
	"dns": {
		pattern: subdomain, check: func(text string) bool { return len(text) <= 253 && subdomain.MatchString(text) },
		description: "lowercase letters, digits, dashes and dots, as Kubernetes requires",
	},
	"url":      {pattern: lazyregexp.New(`^https?://[^/\s]+(/\S*)?$`), description: "an address that begins with https:// or http://"},
	"tracking": {pattern: lazyregexp.New(`^(https?://[^/\s]+(/\S*)?|service:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?|cluster)$`), description: "an address that begins with https:// or http://, service:NAME, or cluster"},
	"host":     {pattern: lazyregexp.New(`^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$|^[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*$`), description: "the name or the address of a host, without https:// and port"},
	"mirror":   {pattern: lazyregexp.New(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*$`), description: "a host and the beginning of a path, such as mirror.example.com/dockerhub, without https://"},
	"registry": {
		// Kubernetes compares it with the beginning of an image's name, and takes * for a part of a host.
		pattern:     lazyregexp.New(`^(https?://)?([a-z0-9*]([-a-z0-9*.]{0,251}[a-z0-9*])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(/[-a-z0-9._/]*)?$`),
		description: "the address of a registry as names of images have it, in lower-case letters, such as https://asia.gcr.io or registry.example.com:5000",
	},
	"debian": {pattern: lazyregexp.New(`^[a-z0-9][a-z0-9+.-]+$`), description: "the name of a Debian package, such as libgl1, without a version"},
	"bucket": {
		pattern: lazyregexp.New(`^gs://[a-z0-9][-_.a-z0-9]{1,220}[a-z0-9](/.*)?$`), check: isBucket,
		description: "gs:// and the name of a bucket that Cloud Storage accepts (3 to 63 lower-case letters, digits, dashes, underscores and dots), as gs://acme-ml or gs://acme-ml/models",
	},
	"pattern": {
		pattern: lazyregexp.New(`^[^/!]`), check: isPattern,
		description: "a pattern of paths inside the run's directory, as in .dockerignore, such as outputs/model/**, without .. that leaves it",
	},
	"owner":    {pattern: lazyregexp.New(`^[0-9]{1,9}(:[0-9]{1,9})?$`), description: "a user's number, or a user's and a group's, such as 1000:1000"},
	"python":   {pattern: lazyregexp.New(`^3\.[0-9]{1,2}$`), description: "a version such as 3.12"},
	"platform": {pattern: lazyregexp.New(`^[a-z0-9]+/[a-z0-9]+(/v[0-9]+)?$`), description: "a platform such as linux/amd64"},
	"project":  {pattern: lazyregexp.New(`^([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]{0,62}$`), description: "the id of a Google Cloud project, such as acme-ml"},
	"region":   {pattern: lazyregexp.New(`^[a-z]+-[a-z]+[0-9]+(-[a-z])?$`), description: "a region, such as europe-west4, or a zone, such as europe-west4-a"},
	"gke":      {pattern: lazyregexp.New(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`), description: "lowercase letters, digits and dashes, at most 40"},
	"path": {
		pattern: lazyregexp.New(`^([^/.]|\.[^.]|\.$|\.\.[^/])`), check: isInsideRepository,
		description: "a path inside the repository, without .. that leaves it",
	},
	"absolute": {pattern: lazyregexp.New(`^/[^\s:]*$`), description: "an absolute path, such as /polyaxon-v1-data/models"},
	"source":   {pattern: lazyregexp.New(secret.Pattern()), description: secret.Forms(), secret: true},
	"size":     {pattern: lazyregexp.New(`^[1-9][0-9]{0,11}([KMGTP]i|[kMGTP])$`), description: "a size such as 100Gi or 1Ti"},
	"condition": {
		check: func(text string) bool { _, err := metrics.ParseCondition(text); return err == nil }, description: metrics.ConditionForm,
	},
	"text": {literal: true},
}

// subdomain matches what Kubernetes allows as a name, except for its length.
var subdomain = lazyregexp.New(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// isBucket reports whether an address is that of a bucket, or of a part of one.
func isBucket(address string) bool {
	p, err := transfer.ParsePlace(address, func(path string) string { return path })
	return err == nil && p.Remote()
}

// isPattern reports whether a pattern of .dockerignore matches only paths inside a directory.
func isPattern(pattern string) bool {
	_, err := patternmatcher.New([]string{pattern})
	return err == nil && !strings.HasPrefix(pattern, "!") && isInsideRepository(pattern)
}

// isInsideRepository reports whether the path p is relative and stays inside the repository.
func isInsideRepository(p string) bool {
	p = strings.ReplaceAll(p, `\`, "/")
	if p == "" || path.IsAbs(p) || len(p) > 1 && p[1] == ':' {
		return false
	}
	clean := path.Clean(p)
	return clean != ".." && !strings.HasPrefix(clean, "../")
}

// durationPattern matches what parseDuration takes: the syntax of time.ParseDuration,
// with days and without fractions of a second.
var durationPattern = lazyregexp.New(`^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`)

// parseDuration parses a positive duration in whole seconds, such as 90s, 1h30m or 2d.
func parseDuration(text string) (time.Duration, bool) {
	if text == "" || !durationPattern.MatchString(text) {
		return 0, false
	}
	var days time.Duration
	rest := text
	if before, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n > 10000 {
			return 0, false
		}
		days, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest == "" {
		return days, days > 0
	}
	d, err := time.ParseDuration(rest)
	return d + days, err == nil && d+days > 0
}
