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
)

// Bundle is one Kubernetes Secret as the configuration wants it.
type Bundle struct {
	Name, Type string
	Data       map[string]Value
	// Project is the project that it belongs to: pruning keeps to it.
	Project string
	// At is where the configuration asks for it.
	At source.Position
}

// Opaque is a Secret of any data.
func Opaque(name string, data map[string]Value) Bundle {
	return Bundle{Name: name, Type: TypeOpaque, Data: data}
}

// DockerConfig is a Secret for pulling images from server with the JSON key of a
// Google service account: user _json_key, as Artifact Registry documents it.
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
