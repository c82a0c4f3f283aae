package google

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// publicUniverse is the domain of Google's public cloud.
const publicUniverse = "googleapis.com"

// Key is a service account's key, checked.
type Key struct {
	// Account is the address of the service account, Project its project, and ID the
	// identifier of the key.
	Account, Project, ID string
	private              string
}

// KeyError reports that a service account's key cannot be used. Its text contains no part
// of the key but names.
type KeyError struct {
	// From is the source of the key, such as env:GCP_SA_KEY.
	From string
	// Problem says what is wrong, and Advice what to do.
	Problem, Advice string
}

// Error implements error.
func (e *KeyError) Error() string {
	from := e.From
	if from == "" {
		from = "the service account key"
	}
	return fmt.Sprintf("%s %s: %s", from, e.Problem, e.Advice)
}

const (
	pasteWhole = "give the whole JSON file that Google Cloud made for the key, as it is"
	makeKey    = "make a JSON key of a service account in the console of Google Cloud, under IAM, Service accounts, Keys"
)

// ParseKey reads a service account's key and checks it without a request: that it is JSON
// of type service_account with an account and a project, and that its private key parses.
// The error is a *KeyError.
func ParseKey(text []byte, from string) (*Key, error) {
	bad := func(problem, advice string) (*Key, error) {
		return nil, &KeyError{From: from, Problem: problem, Advice: advice}
	}
	if problem := notJSON(text); problem != "" {
		return bad(problem, pasteWhole)
	}
	var file credentialsFile
	if json.Unmarshal(text, &file) != nil {
		return bad("is not a service account key, because one of its values is of another type", pasteWhole)
	}
	switch {
	case file.Type == "service_account":
	case file.Installed != nil || file.Web != nil:
		return bad("is the client secret of an OAuth application, not a service account key", makeKey)
	case file.Type == "authorized_user":
		return bad("has a user's credentials (type authorized_user), as `gcloud auth application-default login` writes them, not a service account key", makeKey)
	case file.Type == "external_account":
		return bad("is a configuration of Workload Identity Federation (type external_account), not a service account key",
			"set GOOGLE_APPLICATION_CREDENTIALS to its file, or configure the federation")
	case known(file.Type):
		return bad("has credentials of type "+file.Type+", not a service account key", makeKey)
	default: // the type may be anything that was pasted
		return bad(`is not a service account key, because its "type" is not "service_account"`, makeKey)
	}
	if file.UniverseDomain != "" && file.UniverseDomain != publicUniverse {
		return bad("is of another universe domain than googleapis.com", "use a key of Google's public cloud")
	}
	for _, field := range []struct{ name, value string }{
		{"client_email", file.ClientEmail}, {"private_key", file.PrivateKey}, {"private_key_id", file.PrivateKeyID}, {"project_id", file.ProjectID},
	} {
		if field.value == "" {
			return bad("has no "+field.name, pasteWhole)
		}
	}
	if !mail.MatchString(file.ClientEmail) {
		return bad("has a client_email that is not an address", pasteWhole)
	}
	if problem := badPrivateKey(file.PrivateKey); problem != "" {
		return bad("(the key of "+file.ClientEmail+") "+problem, pasteWhole)
	}
	return &Key{Account: file.ClientEmail, Project: file.ProjectID, ID: file.PrivateKeyID, private: file.PrivateKey}, nil
}

// mail matches an address, so that no other text is printed as one.
var mail = lazyregexp.New(`^[\w.+-]{1,100}@[\w.:-]{1,200}$`)

// notJSON says why text is not a JSON object, or returns "".
func notJSON(text []byte) string {
	trimmed := strings.TrimSpace(string(text))
	var object map[string]json.RawMessage
	err := json.Unmarshal(text, &object)
	var syntax *json.SyntaxError
	switch decoded, undecoded := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(trimmed), "")); {
	case err == nil && object != nil:
		return ""
	case trimmed == "":
		return "is empty"
	case strings.HasPrefix(trimmed, "-----BEGIN"):
		return "has only the private key, and not the JSON file around it"
	case undecoded == nil && json.Valid(decoded):
		return "is encoded with base64"
	case !strings.ContainsAny(trimmed, "\n{") && strings.HasSuffix(trimmed, ".json"):
		return "is the path of a file, and not its content"
	case strings.HasPrefix(trimmed, "\ufeff"), strings.HasPrefix(trimmed, "\xff\xfe"), strings.HasPrefix(trimmed, "\xfe\xff"):
		return "begins with a byte order mark, as Windows' tools write it (save it as UTF-8 without one)"
	case strings.ContainsAny(trimmed[:1], "'\"") && strings.Contains(trimmed, "{"):
		return "is in quotes"
	case trimmed[0] == '{' && strings.HasPrefix(strings.TrimSpace(trimmed[1:]), `\"`):
		return "has backslashes before its quotes"
	case strings.HasPrefix(trimmed, "{") && errors.As(err, &syntax) && strings.HasSuffix(string(text[:syntax.Offset]), "\n"):
		return fmt.Sprintf(`is not valid JSON: inside of a value, it has a line break in place of \n (at byte %d of %d), as echo makes it`, syntax.Offset, len(text))
	case strings.HasPrefix(trimmed, "{") && errors.As(err, &syntax):
		return fmt.Sprintf("is not valid JSON (at byte %d of %d)", syntax.Offset, len(text))
	}
	return "is not JSON"
}

// badPrivateKey says why a private key does not parse, or returns "".
func badPrivateKey(text string) string {
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil && strings.Contains(text, `\n`):
		return `has a private_key whose line breaks are escaped twice (\\n)`
	case block == nil:
		return "has a private_key that is not PEM"
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["Proc-Type"] != "":
		return "has a private_key that is encrypted with a passphrase"
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return "has a private_key that cannot be parsed"
	}
	if _, ok := parsed.(*rsa.PrivateKey); !ok {
		return "has a private_key that is not of RSA"
	}
	return ""
}

// useKey makes c the credentials of a service account's key.
func (c *Credentials) useKey(text []byte, from string) error {
	key, err := ParseKey(text, from)
	if err != nil {
		return err
	}
	c.project = key.Project
	c.identify(Identity{Kind: ServiceAccount, Name: key.Account})
	c.issue = func(ctx context.Context) (*oauth2.Token, error) {
		config := jwt.Config{
			Email: key.Account, PrivateKey: []byte(key.private), PrivateKeyID: key.ID,
			Scopes: c.options.Scopes, TokenURL: c.options.Endpoints.Token, Audience: Public().Token, // whatever leads there
		}
		return config.TokenSource(ctx).Token()
	}
	return nil
}
