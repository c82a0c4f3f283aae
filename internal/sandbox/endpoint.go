package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/jail"
	"github.com/slipway-ci/slipway/internal/secret"
)

// endpoint is a Sandbox as stored in its file. Only the file's owner can read it, and it
// is removed when the sandbox ends.
type endpoint struct {
	Sandbox
	Token           string `json:"token"`
	RegistryToken   string `json:"registry_token"`
	KubernetesToken string `json:"kubernetes_token"`
}

// signedEndpoint is an endpoint with a code that proves that this user's slipway wrote it. A
// file in a working tree may have come with the repository, and the server that it names
// would get secrets.
type signedEndpoint struct {
	Endpoint json.RawMessage `json:"endpoint"`
	Code     string          `json:"code"`
}

// subject is the subject of the code of a directory's endpoint. It is the same by whatever
// links a command reached the directory.
func subject(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return "endpoint of " + dir
}

// publish writes the endpoint file, by which commands find the sandbox.
func (s *server) publish() error {
	text, err := json.Marshal(endpoint{
		Sandbox: s.state, Token: string(s.state.Token.Reveal()),
		RegistryToken: string(s.state.RegistryToken.Reveal()), KubernetesToken: string(s.state.KubernetesToken.Reveal()),
	})
	if err != nil {
		return err
	}
	code, err := machine.MAC(subject(s.dir), text)
	if err != nil {
		return err
	}
	if text, err = json.Marshal(signedEndpoint{text, code}); err != nil {
		return err
	}
	return disk.Write(filepath.Join(s.dir, endpointFile), text, 0o600)
}

// readEndpoint returns the endpoint in dir's file. The error is that of trusted if dir is
// not trusted, and ErrNotRunning if there is no endpoint that this user's slipway
// published in this directory on this machine.
func readEndpoint(dir string) (*endpoint, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := trusted(dir); err != nil {
		return nil, err
	}
	text, err := read(dir, endpointFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("look for the sandbox: %w", err)
	}
	var p signedEndpoint
	if json.Unmarshal(text, &p) != nil {
		return nil, ErrNotRunning // written by a process that was killed, or by another version
	}
	ok, err := machine.VerifyMAC(p.Code, subject(dir), p.Endpoint)
	if err != nil {
		return nil, err
	}
	var e endpoint
	if !ok || json.Unmarshal(p.Endpoint, &e) != nil || !loopback(e.Registry, "http") || !loopback(e.Kubernetes, "http", "https") || !loopback(e.Polyaxon, "http") {
		return nil, ErrNotRunning
	}
	e.Sandbox.Token = secret.NewValue([]byte(e.Token))
	e.Sandbox.RegistryToken = secret.NewValue([]byte(e.RegistryToken))
	e.Sandbox.KubernetesToken = secret.NewValue([]byte(e.KubernetesToken))
	return &e, nil
}

// read returns the content of a file in a directory that is not trusted yet.
func read(dir, name string) ([]byte, error) {
	d, err := jail.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Read(name, 64<<10)
}

// loopback reports whether an address is a URL with a loopback IP address and one of the
// schemes. A sandbox of an earlier version has Kubernetes without TLS.
func loopback(address string, schemes ...string) bool {
	at, err := url.Parse(address)
	if err != nil || !slices.Contains(schemes, at.Scheme) || at.User != nil {
		return false
	}
	ip := net.ParseIP(at.Hostname())
	return ip != nil && ip.IsLoopback()
}
