package report

// Kept is what a job's run has left in the bucket.
type Kept struct {
	// Address is that of the run, below which are the files and manifest.json.
	Address string `json:"address"`
	Action  Action `json:"action"` // copy, copied, up-to-date
	// Files and Bytes are how many files there are, without the manifest, and their size.
	Files int   `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// Gate is met or failed, or "" if the job requires nothing of its metrics. One that failed is never
	// the latest.
	Gate string `json:"gate,omitempty"`
}
