package survey

import (
	"path"
	"slices"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// Manifest is a directory, or a file at the root, with manifests of Kubernetes.
type Manifest struct {
	// At is the first object in it. Path is what slipway.yaml names.
	At   source.Position
	Path string
	// Images are the images that its containers have.
	Images []Value
}

var (
	apiVersion = lazyregexp.New(`(?m)^apiVersion:[ \t]*["']?(?:v1|[a-z0-9.-]+/v\w+)["']?[ \t]*$`)
	objectKind = lazyregexp.New(`(?m)^(kind):[ \t]*["']?(?:Deployment|StatefulSet|DaemonSet|Service|Ingress|ConfigMap|Secret|PersistentVolumeClaim|Job|CronJob|HorizontalPodAutoscaler|InferenceService)["']?[ \t]*$`)
	imageLine  = lazyregexp.New(`(?m)^[ \t]*(?:-[ \t]+)?image:[ \t]*["']?([^\s"'#]+)`)
	goTemplate = lazyregexp.New(`(?m)\{\{-?[^}\n]*\.(?:Values|Release|Chart)\b`)
)

func (r *Repository) addManifest(name, text string) {
	at, ok := firstMatch(name, text, objectKind)
	if !ok || !apiVersion.MatchString(text) || goTemplate.MatchString(text) {
		return
	}
	where := path.Dir(name) + "/"
	if where == "./" {
		where = name
	}
	n := slices.IndexFunc(r.Manifests, func(m Manifest) bool { return m.Path == where })
	if n < 0 {
		n, r.Manifests = len(r.Manifests), append(r.Manifests, Manifest{At: at.At, Path: where})
	}
	if v, ok := firstMatch(name, text, imageLine); ok {
		r.Manifests[n].Images = append(r.Manifests[n].Images, v)
	}
}
