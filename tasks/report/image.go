package report

import "time"

// Image is an image that was, or would be, built and pushed, or that is in the registry.
type Image struct {
	Name      string     `json:"name"`
	Reference string     `json:"reference,omitempty"` // by digest
	Digest    string     `json:"digest,omitempty"`
	Tags      []string   `json:"tags,omitempty"`
	Changed   []string   `json:"changed,omitempty"` // files, packages and settings that differ from the last image's
	Action    Action     `json:"action,omitempty"`  // push, build, tag, pushed, tagged, up-to-date, unknown
	Bytes     int64      `json:"bytes,omitempty"`   // of all layers, compressed
	Sent      int64      `json:"sent_bytes,omitempty"`
	Layers    int        `json:"layers,omitempty"`
	Created   *time.Time `json:"created,omitempty"`
}

// Base is the newest run of a job that succeeded on the branch into which a pull request is
// merged.
type Base struct {
	Branch  string             `json:"branch"`
	UUID    string             `json:"uuid"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
	// Unread is that of its run.
	Unread []string `json:"unread,omitempty"`
}
