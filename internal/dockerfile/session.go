package dockerfile

import (
	"context"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/slipway-ci/slipway/internal/panics"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// attachables returns the services that BuildKit may use during a build: the credentials
// for registries, the build's secrets and the SSH agent. It uses them over the build's
// connection and does not keep them. A panic in a service ends ctx, which is the build's
// context.
func attachables(ctx context.Context, s Spec, keychain authn.Keychain) ([]session.Attachable, error) {
	values := map[string][]byte{}
	for id, value := range s.Secrets {
		values[id] = value.Reveal()
	}
	list := []session.Attachable{secretsprovider.FromMap(values), &credentials{build: ctx, keychain: keychain}}
	if s.SSH {
		agent, err := sshprovider.NewSSHAgentProvider([]sshprovider.AgentConfig{{Paths: []string{lookup(s.Environ, "SSH_AUTH_SOCK")}}})
		if err != nil {
			return nil, s.refuse("start one: eval $(ssh-agent) && ssh-add", "the SSH agent cannot be reached: %v", err)
		}
		list = append(list, agent)
	}
	return list, nil
}

// credentials serves the credentials of a keychain to BuildKit. BuildKit's own provider
// reads the configuration of the docker command and writes a file beside it; this one does
// neither. BuildKit requests the registries' tokens itself, as for all clients that do not
// offer to.
type credentials struct {
	auth.UnimplementedAuthServer
	build    context.Context
	keychain authn.Keychain
}

// Register registers the service on a session's server.
func (c *credentials) Register(server *grpc.Server) { auth.RegisterAuthServer(server, c) }

// Credentials returns the credentials for a registry, or empty ones if the keychain has
// none.
func (c *credentials) Credentials(ctx context.Context, request *auth.CredentialsRequest) (answer *auth.CredentialsResponse, err error) {
	defer panics.Keep(c.build, &err, "the credentials of "+request.Host)
	if c.keychain == nil {
		return &auth.CredentialsResponse{}, nil
	}
	host := request.Host
	if at, err := url.Parse(host); err == nil && strings.Contains(host, "://") {
		host = at.Host
	}
	// Docker Hub has several host names, and keychains know it by this one.
	if domain := strings.TrimPrefix(name.DefaultRegistry, "index."); host == domain || strings.HasSuffix(host, "."+domain) {
		host = name.DefaultRegistry
	}
	registry, err := name.NewRegistry(host)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "find the credentials of %q: %v", host, err)
	}
	found, err := authn.Resolve(ctx, c.keychain, registry)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "find the credentials of %s: %v", host, err)
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "get the credentials of %s: %v", host, err)
	}
	switch {
	case config.IdentityToken != "":
		return &auth.CredentialsResponse{Secret: config.IdentityToken}, nil
	case config.RegistryToken != "":
		return nil, status.Errorf(codes.Unauthenticated, "the credentials of %s are a bearer token, which BuildKit cannot use; log in with a user and a password", host)
	}
	return &auth.CredentialsResponse{Username: config.Username, Secret: config.Password}, nil
}
