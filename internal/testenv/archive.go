package testenv

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

// archive writes the log of a run atomically below data, as the server fails when it reads half a line.
func archive(data, uuid, node, pod string, lines []podLine) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, l := range lines {
		err := encoder.Encode(map[string]string{"timestamp": l.at.Format("2006-01-02T15:04:05.000000+00:00"), "node": node, "pod": pod,
			"container": mainContainer, "value": l.text})
		if err != nil {
			return err
		}
	}
	dir, part := filepath.Join(data, uuid, "plxlogs"), filepath.Join(data, uuid+".part")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(part, text.Bytes(), 0o644); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, pod+".jsonl"))
}
