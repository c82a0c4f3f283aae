package artifact

import (
	"bytes"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/storage"
)

// TestHostileManifests reads manifests that somebody else has written to the bucket. None is believed that is of
// another run, or that names what no run leaves.
func TestHostileManifests(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		generation := int64(0)
		for text, says := range map[string]string{
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "outputs/a", "bytes": 1}]}`:                                      "",
			`{"version": 2, "project": "fraud", "job": "train", "run": "RUN"}`:                                                                                    "no manifest of this version of slipway: its version is 2",
			`{"version": 1, "project": "other", "job": "train", "run": "RUN"}`:                                                                                    `of another run: project "other"`,
			`{"version": 1, "project": "fraud", "job": "../other/train", "run": "RUN"}`:                                                                           `of another run: project "fraud", job "../other/train"`,
			`{"version": 1, "project": "fraud", "job": "train", "run": "fedcba9876543210fedcba9876543210"}`:                                                       "of another run",
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "../x"}]}`:                                                       `"../x" is not the path`,
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "/etc/x"}]}`:                                                     `"/etc/x" is not the path`,
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "manifest.json"}]}`:                                              `"manifest.json" is not the path`,
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "a", "bytes": -1}]}`:                                             "impossible size",
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "a", "bytes": 9223372036854775808}]}`:                            "is no manifest: json",
			`{"version": 1, "project": "fraud", "job": "train", "run": "RUN", "files": [{"path": "a", "bytes": 9223372036854775807}, {"path": "b", "bytes": 1}]}`: "impossible size",
		} {
			text = strings.ReplaceAll(text, "RUN", uuid)
			sum := storage.NewCRC32C()
			_, _ = sum.Write([]byte(text))
			object, err := s.client.Upload(t.Context(), storage.Upload{
				Bucket: "data", Name: "models/fraud/train/" + uuid + "/" + manifestName, Content: bytes.NewReader([]byte(text)), Size: int64(len(text)), CRC32C: sum.Sum32(), Generation: generation,
			})
			if err != nil {
				t.Fatal(err)
			}
			generation = object.Generation
			m, err := s.Manifest(t.Context(), "train", uuid)
			if says == "" && (err != nil || len(m.Files) != 1) || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s: %+v, %v, want %q", text, m, err, says)
			}
		}
	})
}

// TestEndlessFile has a server send a file without end. No more of it is kept on the way than the server lists.
func TestEndlessFile(t *testing.T) {
	everywhere(t, func(t *testing.T, s *story) {
		s.endless = true
		kept, err := s.keep(t.Context(), project.GateMet)
		if err == nil || !strings.Contains(err.Error(), "size mismatch: received more than the ") {
			t.Errorf("%+v, %v", kept, err)
		}
	})
}
