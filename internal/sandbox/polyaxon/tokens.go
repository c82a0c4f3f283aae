package polyaxon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"

	corev1 "k8s.io/api/core/v1"
)

// token gives what a run's containers prove themselves with: the run, and a code
// that only this server can make.
func (e *executor) token(uuid string) string {
	code := hmac.New(sha256.New, e.options.Token.Reveal())
	_, _ = code.Write([]byte("run " + uuid))
	return uuid + "." + hex.EncodeToString(code.Sum(nil))
}

// callerKey is the key of a request's context for the run whose token it has.
type callerKey struct{}

// callerOf gives the run whose container sends a request, nil for the user.
func callerOf(r *http.Request) *record {
	from, _ := r.Context().Value(callerKey{}).(*record)
	return from
}

// Admit reports whether a request may come in with a token: the server's own, or
// that of a run which goes on. The request that it gives knows whose that is.
func (s *Server) Admit(r *http.Request, token string) (*http.Request, bool) {
	if subtle.ConstantTimeCompare([]byte(token), s.options.Token.Reveal()) == 1 {
		return r, true
	}
	uuid, _, _ := strings.Cut(token, ".")
	run, known := s.store.run(uuid)
	if !known || !s.executor.goesOn(uuid) || subtle.ConstantTimeCompare([]byte(token), []byte(s.executor.token(uuid))) != 1 {
		return nil, false
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, &run)), true
}

func (e *executor) goesOn(uuid string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alive[uuid] != nil
}

// router is a ServeMux in which a run's token is good for its own project only, and not
// for what people decide.
type router struct{ *http.ServeMux }

// HandleFunc registers a handler.
func (m *router) HandleFunc(pattern string, handle func(http.ResponseWriter, *http.Request)) {
	ofProject := strings.Contains(pattern, "/{project}/") || strings.HasPrefix(pattern, "GET ") && strings.HasSuffix(pattern, "/{project}")
	ofProject = ofProject && !strings.HasSuffix(pattern, "/approve")
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		from := callerOf(r)
		if from == nil || ofProject && r.PathValue("project") == from.Project || pattern == "GET /api/v1/installation" {
			handle(w, r)
			return
		}
		forbid(w)
	})
}

func forbid(w http.ResponseWriter) {
	reply(w, http.StatusForbidden, map[string]string{"detail": "You do not have permission to perform this action: a run's token is good for its own project, and approves nothing."})
}

// grants are what a run may use which a job submits, or with the job's token it could
// read all that is the user's: the job's own Secrets and images. Images of the sandbox's
// registry, and those that everybody may pull, are nobody's.
type grants struct {
	Secrets []string `json:"secrets"`
	Images  []string `json:"images"`
}

// grants gives those of a run that a job submits.
func (e *executor) grants(from *record) *grants {
	if from.Grants != nil {
		return from.Grants
	}
	g := &grants{Secrets: []string{}, Images: []string{}}
	if _, pod, err := e.resolve(from); err == nil {
		g.Secrets, g.Images = secretsOf(pod), imagesOf(pod)
	}
	return g
}

// mayUse refuses a pod with Secrets or images that its run was not granted.
func (e *executor) mayUse(ctx context.Context, r *record, pod *compile.Pod) error {
	if r.Grants == nil {
		return nil
	}
	for _, name := range secretsOf(pod) {
		if !slices.Contains(r.Grants.Secrets, name) {
			return fmt.Errorf("a job submitted this run, which may use that job's Secrets only: not %s", name)
		}
	}
	for _, image := range imagesOf(pod) {
		if slices.Contains(r.Grants.Images, image) || e.options.Public == nil {
			continue
		}
		if err := e.options.Public(ctx, image); err != nil {
			return fmt.Errorf("a job submitted this run, which may use that job's images, those of the sandbox and public ones only: not %s (%w)", image, err)
		}
	}
	return nil
}

// imagesOf gives the images of a pod's containers.
func imagesOf(pod *compile.Pod) []string {
	var images []string
	for _, c := range slices.Concat(pod.Init, pod.Sidecars, []corev1.Container{pod.Container}) {
		images = append(images, c.Image)
	}
	return images
}

// secretsOf gives the names of the Secrets that a pod refers to.
func secretsOf(pod *compile.Pod) []string {
	names := []string{}
	for _, c := range slices.Concat(pod.Init, pod.Sidecars, []corev1.Container{pod.Container}) {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				names = append(names, from.SecretRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				names = append(names, e.ValueFrom.SecretKeyRef.Name)
			}
		}
	}
	for _, v := range pod.Volumes {
		if v.Secret != nil {
			names = append(names, v.Secret.SecretName)
		}
	}
	return names
}
