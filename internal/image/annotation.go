package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"

	"github.com/slipway-ci/slipway/internal/registry"
)

const (
	// annotationIngredients has what an image is made of. It is only in the manifest with
	// the tag of layersTag, which otherwise equals the manifest of the image.
	annotationIngredients = "io.github.slipway-ci.ingredients"
	// maxIngredients limits the compressed size of the ingredients, in bytes. Registries
	// accept manifests of 4 MiB.
	maxIngredients = 1 << 20
)

// encode returns ingredients as the value of an annotation, or "" if they are too large.
func (c Ingredients) encode() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil || b.Len() > maxIngredients {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// decodeIngredients parses the result of encode. It returns nil for any other text, because
// ingredients are only shown to users.
func decodeIngredients(text string) *Ingredients {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	whole, err := io.ReadAll(io.LimitReader(z, 64*maxIngredients))
	c := &Ingredients{}
	if err != nil || json.Unmarshal(whole, c) != nil {
		return nil
	}
	return c
}

// withIngredients returns a manifest with an annotation for encoded ingredients, or as it is
// if encoded is empty.
func withIngredients(manifest []byte, encoded string) ([]byte, error) {
	if encoded == "" {
		return manifest, nil
	}
	all, annotations := map[string]json.RawMessage{}, map[string]string{}
	if err := json.Unmarshal(manifest, &all); err != nil {
		return nil, err
	}
	if had := all["annotations"]; had != nil {
		if err := json.Unmarshal(had, &annotations); err != nil {
			return nil, err
		}
	}
	annotations[annotationIngredients] = encoded
	var err error
	if all["annotations"], err = json.Marshal(annotations); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// Changes describes how an image that another builder will make differs from the image that
// was pushed last, or returns nil if that is not known. It does not compare the base, which
// is known only after building. Of the spec it uses the name and the platforms.
func Changes(ctx context.Context, from *registry.Client, s Spec, now Ingredients) ([]string, error) {
	repository, err := from.Reference(s.Name)
	if err != nil {
		return nil, err
	}
	at, err := from.Open(ctx, repository, registry.Pull)
	if err != nil {
		return nil, err
	}
	last, err := readRemote(ctx, at, layersTag(sortedPlatforms(s.Platforms)[0]))
	if err != nil || last == nil {
		return nil, err
	}
	old := decodeIngredients(last.encoded)
	if old == nil {
		return nil, nil
	}
	now.Base = old.Base
	return now.since(*old), nil
}
