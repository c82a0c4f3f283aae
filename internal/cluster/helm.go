package cluster

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
)

// Release is a release of Helm, as `helm list` shows it.
type Release struct {
	Name string
	// Revision is 0, and Status and Updated are empty, if only labels tell of the release.
	Revision int
	Status   string
	Updated  time.Time
	// Chart is the name of the chart, Version its version, and AppVersion that of the
	// program in it.
	Chart, Version, AppVersion string
}

const (
	// maxRecords bounds how many of Helm's records are listed, and maxReleases how many
	// of these are read. A record has up to 1 MiB.
	maxRecords, maxReleases = 500, 10
	// maxRelease bounds the size of a release after it is decompressed.
	maxRelease = 64 << 20
)

// Releases returns the releases of Helm in the namespace, by name, each in its newest
// revision. It reads the records that Helm keeps in Secrets, of which it lists only the
// metadata.
func (c *Cluster) Releases(ctx context.Context) ([]Release, error) {
	names, err := c.newestRecords(ctx)
	if err != nil {
		return nil, err
	}
	releases := make([]Release, len(names))
	group, ctx := panics.WithContext(ctx)
	for i, name := range names {
		group.Go(func() error {
			record, err := retry(ctx, c, func() (*v1.Secret, error) {
				return c.Client.CoreV1().Secrets(c.Namespace).Get(ctx, name, metav1.GetOptions{})
			})
			if err == nil {
				releases[i], err = decodeRelease(record.Data["release"])
			}
			if err != nil {
				return fmt.Errorf("read Helm's record %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
			}
			return nil
		})
	}
	return releases, group.Wait()
}

// newestRecords returns the names of the Secrets with the newest revision of each release.
func (c *Cluster) newestRecords(ctx context.Context) ([]string, error) {
	records, err := metadata(ctx, c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource("secrets").
		Param("labelSelector", "owner=helm").Param("limit", strconv.Itoa(maxRecords)))
	if err != nil {
		return nil, fmt.Errorf("list Helm's records in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	type record struct {
		name     string
		revision int
	}
	newest := map[string]record{}
	for _, item := range records {
		release := item.Labels["name"]
		revision, err := strconv.Atoi(item.Labels["version"])
		if err == nil && release != "" && revision > newest[release].revision {
			newest[release] = record{item.Name, revision}
		}
	}
	var names []string
	for _, release := range slices.Sorted(maps.Keys(newest)) {
		names = append(names, newest[release].name)
	}
	return names[:min(len(names), maxReleases)], nil
}

// decodeRelease reads a release as Helm 3 writes it: JSON, compressed by gzip, in base64.
// The oldest releases are not compressed.
func decodeRelease(record []byte) (Release, error) {
	text, err := base64.StdEncoding.AppendDecode(nil, record)
	if err != nil {
		return Release{}, errors.New("it is not in base64")
	}
	var in io.Reader = bytes.NewReader(text)
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b, 0x08}) {
		if in, err = gzip.NewReader(in); err != nil {
			return Release{}, errors.New("it cannot be decompressed")
		}
	}
	var read struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Info    struct {
			Status       string    `json:"status"`
			LastDeployed time.Time `json:"last_deployed"`
		} `json:"info"`
		Chart struct {
			Metadata struct {
				Name       string `json:"name"`
				Version    string `json:"version"`
				AppVersion string `json:"appVersion"`
			} `json:"metadata"`
		} `json:"chart"`
	}
	if err := json.NewDecoder(io.LimitReader(in, maxRelease)).Decode(&read); err != nil {
		return Release{}, errors.New("it is not a release of Helm") // the error may quote the release's values
	}
	chart := read.Chart.Metadata
	return Release{
		Name: read.Name, Revision: read.Version, Status: read.Info.Status, Updated: read.Info.LastDeployed,
		Chart: chart.Name, Version: chart.Version, AppVersion: chart.AppVersion,
	}, nil
}

// ReleaseByLabels returns the release that an object belongs to by the labels that charts
// give to their objects. found reports whether it has them.
func ReleaseByLabels(labels map[string]string) (r Release, found bool) {
	parts := chartLabel.FindStringSubmatch(cmp.Or(labels["helm.sh/chart"], labels["app.kubernetes.io/helm.sh/chart"], labels["chart"]))
	if parts == nil {
		return Release{}, false
	}
	return Release{
		Name: cmp.Or(labels["app.kubernetes.io/instance"], labels["release"]), Chart: parts[1], Version: parts[2], AppVersion: labels["app.kubernetes.io/version"],
	}, true
}

// chartLabel matches the name and the version of a chart, such as polyaxon-2.0.0-rc1.
var chartLabel = lazyregexp.New(`^(.+?)-(v?[0-9].*)$`)
