package compile

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/converter"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	corev1 "k8s.io/api/core/v1"
)

// Pod holds the typed parts of a resolved run of kind job or service, for the sandbox.
// Container is the main container.
type Pod struct {
	Container   corev1.Container
	Init        []corev1.Container
	Sidecars    []corev1.Container
	Volumes     []corev1.Volume
	Connections []string
	Environment Environment
	Ports       []int
	RewritePath bool
	Termination Termination
}

// Environment is the part of run.environment that the sandbox uses.
type Environment struct {
	Labels        map[string]any `json:"labels"`
	Annotations   map[string]any `json:"annotations"`
	NodeSelector  map[string]any `json:"nodeSelector"`
	RestartPolicy string         `json:"restartPolicy"`
}

// Termination limits a run. MaxRetries is the number of retries. Timeout is in seconds.
type Termination struct {
	MaxRetries int `json:"maxRetries"`
	Timeout    int `json:"timeout"`
}

// Pod returns the typed parts of a resolved run, as the converter of its version creates
// its pod. It returns an *Error for what the sandbox cannot run and for what Kubernetes
// would refuse.
func (c *Compiled) Pod() (*Pod, error) {
	run := plain.Map(c.root["run"])
	if err := supported(run); err != nil {
		return nil, err
	}
	var p Pod
	spec := plain.Map(c.PodTemplates()[""]["spec"])
	var containers []corev1.Container
	err := errors.Join(
		decodeKey(spec, "containers", &containers), decodeKey(spec, "initContainers", &p.Init), decodeKey(spec, "volumes", &p.Volumes),
		decodeKey(run, "connections", &p.Connections), decodeKey(run, "environment", &p.Environment), decodeKey(run, "ports", &p.Ports),
		decodeKey(run, "rewritePath", &p.RewritePath), decodeKey(c.root, "termination", &p.Termination),
	)
	if err != nil {
		return nil, err
	}
	custom := converter.Run{Version: c.version, Spec: run}.Custom()
	var first []corev1.Container
	if err := decodeKey(map[string]any{"init": custom}, "init", &first); err != nil {
		return nil, err
	}
	p.Init = append(first, p.Init...)
	if len(containers) > 0 {
		p.Container, p.Sidecars = containers[0], containers[1:]
	}
	return &p, nil
}

// supported returns an *Error for the init containers that the sandbox does not support.
func supported(run map[string]any) error {
	inits, _ := run["init"].([]any)
	var unsupported []string
	for _, init := range inits {
		for _, key := range plain.Keys(plain.Map(init)) {
			if key != "container" && key != "connection" && key != "path" {
				unsupported = append(unsupported, "init."+key)
			}
		}
	}
	if len(unsupported) > 0 {
		return &Error{"the sandbox of this version of slipway does not run " + strings.Join(unsupported, ", ")}
	}
	return nil
}

func decodeKey(from map[string]any, key string, into any) error {
	value, ok := from[key]
	if !ok || value == nil {
		return nil
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return compileErrorf("%s cannot be read: %v", key, err)
	}
	return nil
}
