package command

import "github.com/slipway-ci/slipway/tasks"

// data returns the commands for Cloud Storage.
func data() []Command {
	return []Command{
		{
			Name: "data", Group: Data,
			Summary: "Copy files to and from Cloud Storage",
			Help: `Copies files to and from buckets of Cloud Storage. ` +
				`If slipway.yaml names nothing of a cloud, the buckets are the sandbox's.`,
		},
		{
			Name: "data mb", Group: Data, Task: task(tasks.DataMb),
			Summary:  "Create a bucket",
			Help:     `Creates a bucket. One that is there already is left as it is.`,
			Examples: []string{"slipway data mb gs://acme-data --location europe-west4"},
		},
		{
			Name: "data ls", Group: Data, Task: task(tasks.DataLs),
			Summary:  "List buckets or objects",
			Help:     `Lists a bucket or a directory of it, up to the next slash, or shows one object. What only begins with the same letters is left out, and there are no wildcards. Without an address, it lists the buckets.`,
			Examples: []string{"slipway data ls gs://acme-data/raw/", "slipway data ls -r gs://acme-data"},
		},
		{
			Name: "data cp", Group: Data, Task: task(tasks.DataCp),
			Summary: "Copy one file to or from a bucket",
			Help: `Copies one file to or from a bucket, or between buckets. ` +
				`If DST ends with a slash or is a directory, the file keeps its name there. ` +
				`A directory is copied by slipway data sync.`,
			Examples: []string{"slipway data cp model.bin gs://acme-data/models/", "slipway data cp gs://acme-data/models/model.bin model.bin"},
		},
		{
			Name: "data cat", Group: Data, Task: task(tasks.DataCat),
			Summary:  "Print an object",
			Help:     `Prints the content of an object. What its Content-Encoding says is compressed by gzip is decompressed.`,
			Examples: []string{"slipway data cat gs://acme-data/raw/labels.csv"},
		},
		{
			Name: "data sync", Group: Data, Task: task(tasks.DataSync),
			Summary: "Copy what differs between a directory and a bucket",
			Help: `Copies what differs from SRC to DST, by size and CRC32C. ` +
				`At least one of them is in a bucket, or in the persistent volume (volume:/DIR). ` +
				`What is interrupted goes on where it was. One file is copied by slipway data cp.`,
			Examples: []string{
				"slipway data sync data/raw gs://acme-data/raw",
				"slipway data sync data/raw volume:/raw",
				"slipway data sync gs://acme-data/raw data/raw --delete --exclude '*.tmp' --dry-run",
			},
		},
	}
}
