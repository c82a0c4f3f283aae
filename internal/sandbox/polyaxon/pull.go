package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// LostImageError reports that the sandbox's own registry does not have all parts of an
// image. Retrying does not help.
type LostImageError struct {
	Reference string
	Err       error
}

// Error says what is missing and how to send it again.
func (e *LostImageError) Error() string {
	return fmt.Sprintf("parts of image %s are missing from the sandbox's registry: run slipway build --verify to push them, then deploy again: %v", e.Reference, e.Err)
}

// Unwrap returns the registry's error.
func (e *LostImageError) Unwrap() error { return e.Err }

// pull returns the image. Like a kubelet it retries with growing pauses, until the run
// ends or the error is one that retrying cannot fix.
func (p *podRun) pull(c corev1.Container) (*container.Image, error) {
	if c.Image == "" {
		return nil, fmt.Errorf("container %s has no image", c.Name)
	}
	pulled := false
	for wait := time.Second; ; wait = min(2*wait, 5*time.Minute) {
		image, err := p.options.Runtime.Image(p.ctx, c.Image, func(now container.Progress) {
			pulled = true
			p.setStatus(p.run.UUID, starting, reasonPulling, "pulling "+brief(c.Image)+": "+formatProgress(now))
		})
		if err == nil {
			if pulled {
				p.setStatus(p.run.UUID, starting, "ContainerCreating", "Creating the containers")
			}
			return image, nil
		}
		if p.ctx.Err() != nil {
			return nil, context.Cause(p.ctx)
		}
		var lost *LostImageError
		var full *disk.FullError
		err = disk.Explain(p.options.Dir, err)
		if errors.As(err, &lost) || errors.As(err, &full) {
			return nil, err
		}
		reason := "ErrImagePull"
		if wait > 2*time.Second {
			reason = "ImagePullBackOff"
		}
		p.setStatus(p.run.UUID, warning, reason, err.Error())
		if err := p.pause(wait); err != nil {
			return nil, err
		}
	}
}

// brief shortens an image to its name and the beginning of its digest, to leave room for
// the progress.
func brief(image string) string {
	name, digest, found := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], "@")
	if found {
		name += "@" + digest[:min(len(digest), len("sha256:")+12)]
	}
	return name
}

// reasonPulling is the reason of a run that starts and waits for its image.
const reasonPulling = "Pulling"

func formatProgress(p container.Progress) string {
	number, unit := megabytes, " MB"
	if p.Whole < 100_000 { // usually an edit of a few files
		number, unit = kilobytes, " kB"
	}
	if p.Done == 0 {
		return number(p.Whole) + unit
	}
	return number(p.Done) + " of " + number(p.Whole) + unit
}

func kilobytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e3) }

// megabytes formats bytes in units of 10^6, as is usual for images.
func megabytes(n int64) string {
	if n < 10_000_000 {
		return fmt.Sprintf("%.1f", float64(n)/1e6)
	}
	return fmt.Sprintf("%d", (n+500_000)/1_000_000)
}

func (p *podRun) pause(d time.Duration) error {
	if clock.Sleep(p.ctx, d) != nil {
		return context.Cause(p.ctx)
	}
	return nil
}
