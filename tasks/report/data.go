package report

import "time"

// Object is an object of Cloud Storage. A bucket, or a directory of objects, has only an Address.
type Object struct {
	Address string     `json:"address"`
	Bytes   int64      `json:"bytes,omitempty"`
	CRC32C  string     `json:"crc32c,omitempty"` // base64, big endian
	Updated *time.Time `json:"updated,omitempty"`
}

// Transfer is what was copied and deleted or, in a dry run, what would be.
type Transfer struct {
	From   string `json:"from"`
	To     string `json:"to"`
	DryRun bool   `json:"dry_run,omitempty"`
	// Copied, Deleted and Unchanged are numbers of files, and Bytes is the size of those that are copied.
	Copied    int   `json:"copied"`
	Deleted   int   `json:"deleted"`
	Unchanged int   `json:"unchanged"`
	Bytes     int64 `json:"bytes"`
	// Files are the files that are copied and deleted.
	Files []TransferFile `json:"files,omitempty"`
}

// TransferFile is a file of a Transfer.
type TransferFile struct {
	Name   string `json:"name"`
	Action Action `json:"action"` // copy, delete
	Bytes  int64  `json:"bytes"`
}

// DataSet is an entry of data in slipway.yaml, and what was copied or, in a plan, would be.
type DataSet struct {
	Name   string `json:"name"`
	Action Action `json:"action"` // copy, copied, unchanged, unknown
	From   string `json:"from"`
	To     string `json:"to"`
	// Copied, Deleted and Unchanged are numbers of files, and Bytes is the size of those that are copied.
	Copied    int   `json:"copied"`
	Deleted   int   `json:"deleted"`
	Unchanged int   `json:"unchanged"`
	Bytes     int64 `json:"bytes"`
}
