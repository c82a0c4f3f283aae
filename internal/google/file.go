package google

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// credentialsFile is what slipway reads of a file with credentials, whatever its type.
type credentialsFile struct {
	Type           string          `json:"type"`
	ClientEmail    string          `json:"client_email"`
	PrivateKey     string          `json:"private_key"`
	PrivateKeyID   string          `json:"private_key_id"`
	ProjectID      string          `json:"project_id"`
	QuotaProjectID string          `json:"quota_project_id"`
	UniverseDomain string          `json:"universe_domain"`
	Account        string          `json:"account"`
	Audience       string          `json:"audience"`
	Impersonation  string          `json:"service_account_impersonation_url"`
	TokenURI       string          `json:"token_uri"`
	TokenURL       string          `json:"token_url"`
	TokenInfoURL   string          `json:"token_info_url"`
	Installed, Web json.RawMessage // a client secret's
	// Source are the credentials of the identity that impersonates a service account.
	Source *credentialsFile `json:"source_credentials"`
}

// types are the types of credentials in a file that x/oauth2 gets tokens for.
func types() []google.CredentialsType {
	return []google.CredentialsType{
		google.ServiceAccount, google.AuthorizedUser, google.ExternalAccount, google.ExternalAccountAuthorizedUser, google.ImpersonatedServiceAccount,
	}
}

// known reports whether name is a type of credentials.
func known(name string) bool { return slices.Contains(types(), google.CredentialsType(name)) }

// useFile makes c the credentials of a file. from names the file in errors.
func (c *Credentials) useFile(text []byte, from string) error {
	c.Learn(text, true)
	if problem := notJSON(text); problem != "" {
		return fmt.Errorf("%s %s: %s", from, problem, "make it anew with `gcloud auth application-default login`, or give the file that Google Cloud made")
	}
	var file credentialsFile
	if json.Unmarshal(text, &file) != nil {
		return fmt.Errorf("%s has no credentials of Google, because one of its values is of another type", from)
	}
	switch {
	case file.Type == string(google.ServiceAccount):
		return c.useKey(text, from)
	case file.Installed != nil || file.Web != nil:
		return fmt.Errorf("%s is the client secret of an OAuth application, and has no credentials: run `gcloud auth application-default login`", from)
	case !known(file.Type):
		return fmt.Errorf("%s has no credentials of Google, because its \"type\" is none of %s", from, typeNames())
	}
	if err := file.checkHosts(from, c.options.Endpoints); err != nil {
		return err
	}
	c.quota = file.QuotaProjectID
	c.identify(file.identity())
	c.issue = func(ctx context.Context) (*oauth2.Token, error) {
		found, err := google.CredentialsFromJSONWithTypeAndParams(ctx, text, google.CredentialsType(file.Type),
			google.CredentialsParams{Scopes: c.options.Scopes, TokenURL: c.options.Endpoints.Token})
		if err != nil {
			return nil, err
		}
		return found.TokenSource.Token()
	}
	return nil
}

// identity returns whose credentials a file has, as far as it says.
func (f *credentialsFile) identity() Identity {
	switch google.CredentialsType(f.Type) {
	case google.ServiceAccount:
		return Identity{Kind: ServiceAccount, Name: f.ClientEmail}
	case google.AuthorizedUser:
		if mail.MatchString(f.Account) {
			return Identity{Kind: User, Name: f.Account}
		}
		return Identity{}
	case google.ExternalAccount, google.ExternalAccountAuthorizedUser:
		return impersonate(accountOf(f.Impersonation), pooled(f.Audience, ""))
	case google.ImpersonatedServiceAccount:
		source := Identity{}
		if f.Source != nil {
			source = f.Source.identity()
		}
		return impersonate(accountOf(f.Impersonation), source)
	}
	return Identity{}
}

// typeNames lists the types of credentials, for messages.
func typeNames() string {
	var names []string
	for _, t := range types() {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}
