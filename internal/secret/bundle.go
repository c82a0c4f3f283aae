package secret

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// The types of Secrets that slipway writes.
const (
	TypeOpaque       = "Opaque"
	TypeDockerConfig = "kubernetes.io/dockerconfigjson"
	TypeTLS          = "kubernetes.io/tls"
	TypeBasicAuth    = "kubernetes.io/basic-auth"
)

// The labels of the Secrets that slipway writes. LabelProject keeps projects that share a
// namespace from pruning each other's Secrets.
const (
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelProject   = "slipway.dev/project"
)

// Bundle is one Kubernetes Secret as the configuration describes it.
type Bundle struct {
	Name, Type string
	Data       map[string]Value
	// Immutable makes Kubernetes refuse every later change of Data.
	Immutable bool
	// Project is the project that the Secret belongs to. Pruning deletes only Secrets of its
	// own project.
	Project string
	// At is the Secret's position in the configuration.
	At source.Position
}

// Opaque returns a Secret with arbitrary data.
func Opaque(name string, data map[string]Value) Bundle {
	return Bundle{Name: name, Type: TypeOpaque, Data: data}
}

// BasicAuth returns a Secret with a user name and a password.
func BasicAuth(name, username string, password Value) Bundle {
	return Bundle{Name: name, Type: TypeBasicAuth, Data: map[string]Value{"username": NewValue([]byte(username)), "password": password}}
}

// DockerConfig returns a Secret for pulling images from server with the JSON key of a
// Google service account. The user is _json_key, as Artifact Registry documents.
func DockerConfig(name, server string, key Value) Bundle {
	type credentials struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Auth     string `json:"auth"`
	}
	const user = "_json_key"
	password := strings.TrimSpace(string(key.Reveal()))
	config := map[string]map[string]credentials{"auths": {server: {
		Username: user, Password: password, Auth: base64.StdEncoding.EncodeToString([]byte(user + ":" + password)),
	}}}
	text, err := json.Marshal(config)
	if err != nil {
		text = nil // maps of strings always encode
	}
	return Bundle{Name: name, Type: TypeDockerConfig, Data: map[string]Value{".dockerconfigjson": NewValue(text)}}
}
