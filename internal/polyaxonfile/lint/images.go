package lint

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// imagePlaceholder is the container image that slipway replaces with the image that it
// built.
const imagePlaceholder = "slipway"

func imageRules() []Rule {
	return []Rule{
		{Name: "mutable-image", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: mutableImage,
			Summary: "An image without a tag, or with the tag latest",
			Help:    "The image of a tag can change: the same run may do something else tomorrow, and nodes that have an older image may keep using it. Name a version or a digest, or let slipway build the image and use DOCKER_IMAGE."},
		{Name: "missing-image", Severity: file.SeverityError, Stage: file.StageRun, check: missingImage,
			Summary: "A container without an image",
			Help:    "Kubernetes refuses the pod. Name an image; or declare the input DOCKER_IMAGE, or write `image: slipway`, and give the job an image in slipway.yaml."},
		{Name: "bad-image", Severity: file.SeverityError, Stage: file.StageRun, check: badImage,
			Summary: "An image that is not a valid reference",
			Help:    "The pod stays in InvalidImageName. A reference has no spaces, no uppercase letters in its repository, and no https:// before it."},
	}
}

func mutableImage(p *pass) {
	for _, c := range p.containers() {
		image, ok := c.values["image"].(string)
		if !ok || image == "" || templated(image) || image == imagePlaceholder || strings.Contains(image, "@sha256:") || badReference(image) != "" {
			continue
		}
		last := image[strings.LastIndex(image, "/")+1:]
		if _, tag, tagged := strings.Cut(last, ":"); !tagged || tag == "latest" {
			p.value(extend(c.path, "image"), "name a version or a digest, or build it by images in slipway.yaml",
				"the image %s is not pinned to a version: the same run may do something else tomorrow", image)
		}
	}
}

func missingImage(p *pass) {
	for _, c := range p.containers() {
		if image := text(c.values["image"]); image != "" || c.role == "main" && p.options.ImageGiven {
			continue
		}
		if c.values["image"] != nil || c.role == "initializer" || c.role == "init" && len(c.values) == 0 || c.role == "main" && p.operation != nil && p.operation["runPatch"] != nil {
			continue
		}
		if c.role == "main" && (p.component["build"] != nil || p.operation["build"] != nil) {
			continue
		}
		p.key(c.path, "set an image, or write image: slipway to use the image that slipway builds", "the container has no image")
	}
}

func badImage(p *pass) {
	for _, c := range p.containers() {
		image := text(c.values["image"])
		if image == "" || templated(image) {
			continue
		}
		if why := badReference(image); why != "" {
			p.value(extend(c.path, "image"), "write it as registry/name:tag", "the image %q %s", image, why)
		}
	}
}

// badReference returns why a text is not a valid image reference, or "" when it may be
// one.
func badReference(image string) string {
	plain, _, _ := strings.Cut(image, "@")
	slash := strings.LastIndex(plain, "/")
	if colon := strings.LastIndex(plain, ":"); colon > slash {
		plain = plain[:colon]
	}
	_, repository, hasHost := strings.Cut(plain, "/")
	if !hasHost {
		repository = plain
	}
	switch {
	case strings.Contains(image, "://"):
		return "has a scheme, such as https://"
	case strings.ContainsAny(image, " \t\n"):
		return "has a space"
	case repository != strings.ToLower(repository):
		return "has uppercase letters"
	case strings.HasSuffix(image, ":") || strings.HasSuffix(image, "/"):
		return "is not complete"
	}
	return ""
}
