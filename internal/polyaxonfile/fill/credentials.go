package fill

import "github.com/slipway-ci/slipway/internal/polyaxonfile/operation"

// The names that the guide's credential snippet uses.
const (
	credentialInput    = "SA_CRED_PATH"
	credentialVariable = "GOOGLE_APPLICATION_CREDENTIALS"
	credentialVolume   = "gcp-service-account"
	credentialMount    = "/var/secret/cloud.google.com"

	// CredentialSecret is the Secret that contains the key of the service account that runs
	// use, under CredentialKey. PullSecret is the Secret with the credentials for pulling
	// images.
	CredentialSecret = "gcp-sa-credentials"
	CredentialKey    = "gcp-service-account.json"
	PullSecret       = "gcp-imagepullsecrets"
)

// Credentials selects the parts of the guide's credential snippet that an operation gets.
type Credentials struct {
	// Key is the key of CredentialSecret that is mounted. "" mounts nothing.
	Key string
	// Pull adds PullSecret to the image pull secrets.
	Pull bool
}

// addCredentials adds those parts of the guide's credential snippet that are missing: the
// key as a file of the container, its path as an input and in
// GOOGLE_APPLICATION_CREDENTIALS, and the image pull secret.
func addCredentials(component map[string]any, all []operation.Pod, c Credentials) {
	for _, p := range all {
		if environment := section(p.Spec, "environment"); environment != nil {
			if c.Pull {
				add(environment, "imagePullSecrets", PullSecret, isPullSecret(PullSecret))
			}
			removeEmpty(p.Spec, "environment")
		}
		if container := p.Container(); container != nil && c.Key != "" {
			volume := volumeOf(p.Spec)
			add(p.Spec, "volumes", map[string]any{"name": volume, "secret": map[string]any{"secretName": CredentialSecret}}, named("name", volume))
			add(container, "volumeMounts", map[string]any{"name": volume, "mountPath": credentialMount, "readOnly": true}, mountOf(volume))
		}
	}
	if c.Key != "" && len(all) > 0 {
		addCredentialInput(component, all, credentialMount+"/"+c.Key)
	}
}

// addCredentialInput passes the key's path to the container, unless the user sets the
// variable.
func addCredentialInput(component map[string]any, all []operation.Pod, path string) {
	for _, p := range all {
		if variable(p.Container(), credentialVariable) != nil {
			return
		}
	}
	inputs, _ := component["inputs"].([]any)
	for _, element := range inputs {
		if m, ok := element.(map[string]any); ok && m["toEnv"] == credentialVariable {
			return
		}
	}
	for _, element := range inputs {
		if m, ok := element.(map[string]any); ok && m["name"] == credentialInput {
			if m["toEnv"] == nil {
				m["toEnv"] = credentialVariable
			}
			return
		}
	}
	add(component, "inputs", map[string]any{
		"name": credentialInput, "type": "str", "value": path, "isOptional": true, "toEnv": credentialVariable,
	}, named("name", credentialInput))
}

// volumeOf returns the name of the volume of the key's Secret, which the user may have
// chosen.
func volumeOf(spec map[string]any) string {
	volumes, _ := spec["volumes"].([]any)
	for _, element := range volumes {
		volume, _ := element.(map[string]any)
		secret, _ := volume["secret"].(map[string]any)
		if name, ok := volume["name"].(string); ok && secret["secretName"] == CredentialSecret {
			return name
		}
	}
	return credentialVolume
}

func mountOf(volume string) func(any) bool {
	return func(element any) bool {
		return named("name", volume)(element) || named("mountPath", credentialMount)(element)
	}
}

// isPullSecret returns a function that reports whether an element is the pull secret of this
// name, in either of its two forms.
func isPullSecret(name string) func(any) bool {
	return func(element any) bool { return element == name || named("name", name)(element) }
}
