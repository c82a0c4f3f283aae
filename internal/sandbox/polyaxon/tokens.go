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

// token returns the token of a run's containers: the run's UUID, and a code that only
// this server can compute.
func (e *executor) token(uuid string) string {
	code := hmac.New(sha256.New, e.options.Token.Reveal())
	_, _ = code.Write([]byte("run " + uuid))
	return uuid + "." + hex.EncodeToString(code.Sum(nil))
}

// callerKey is the key in a request's context of the run whose token the request has.
type callerKey struct{}

// callerOf returns the run whose container sent the request, or nil for the user.
func callerOf(r *http.Request) *record {
	from, _ := r.Context().Value(callerKey{}).(*record)
	return from
}

// Admit reports whether a request with this token is allowed: the server's own token, or
// that of a run that has not ended. The context of the returned request holds that run.
func (s *Server) Admit(r *http.Request, token string) (*http.Request, bool) {
	if subtle.ConstantTimeCompare([]byte(token), s.options.Token.Reveal()) == 1 {
		return r, true
	}
	uuid, _, _ := strings.Cut(token, ".")
	run, known := s.store.run(uuid)
	if !known || !s.executor.isAlive(uuid) || subtle.ConstantTimeCompare([]byte(token), []byte(s.executor.token(uuid))) != 1 {
		return nil, false
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, &run)), true
}

func (e *executor) isAlive(uuid string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alive[uuid] != nil
}

// router is a ServeMux that accepts a run's token for the run's own project only, for no change of a run that
// mayChange refuses, and not for the decisions of people.
type router struct {
	*http.ServeMux
	mayChange func(r *http.Request, uuid string) bool
}

// HandleFunc registers a handler.
func (m *router) HandleFunc(pattern string, handle func(http.ResponseWriter, *http.Request)) {
	ofProject := strings.Contains(pattern, "/{project}/") || strings.HasPrefix(pattern, "GET ") && strings.HasSuffix(pattern, "/{project}")
	ofProject = ofProject && !strings.HasSuffix(pattern, "/approve")
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		from := callerOf(r)
		if from == nil {
			handle(w, r)
			return
		}
		allowed := ofProject && r.PathValue("project") == from.Project && (strings.HasPrefix(pattern, "GET ") || m.mayChange(r, r.PathValue("uuid")))
		if allowed || pattern == "GET /api/v1/installation" {
			handle(w, r)
			return
		}
		forbid(w)
	})
}

func forbid(w http.ResponseWriter) {
	reply(w, http.StatusForbidden, map[string]string{"detail": "You do not have permission to perform this action: a run's token is good for its own project, changes only its own run and those that it has submitted, and approves nothing."})
}

// grants are what a run that a job submits may use: the Secrets and images of that job.
// Without them a job's token would give access to everything of the user's. Images of the
// sandbox's registry and public images need no grant.
type grants struct {
	Secrets []string `json:"secrets"`
	Images  []string `json:"images"`
}

// grants returns the grants of a run that the run from submits.
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

// mayUse returns an error for a pod with Secrets or images that its run was not granted.
func (e *executor) mayUse(ctx context.Context, r *record, pod *compile.Pod) error {
	if r.Grants == nil {
		return nil
	}
	for _, name := range secretsOf(pod) {
		if !slices.Contains(r.Grants.Secrets, name) {
			return fmt.Errorf("secret %s is not allowed: a run that a job submitted may use only that job's Secrets", name)
		}
	}
	for _, image := range imagesOf(pod) {
		if slices.Contains(r.Grants.Images, image) || e.options.Public == nil {
			continue
		}
		if err := e.options.Public(ctx, image); err != nil {
			return fmt.Errorf("image %s is not allowed: a run that a job submitted may use only that job's images, the sandbox's and public ones (%w)", image, err)
		}
	}
	return nil
}

// imagesOf returns the images of a pod's containers.
func imagesOf(pod *compile.Pod) []string {
	var images []string
	for _, c := range slices.Concat(pod.Init, pod.Sidecars, []corev1.Container{pod.Container}) {
		images = append(images, c.Image)
	}
	return images
}

// secretsOf returns the names of the Secrets that a pod refers to.
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
