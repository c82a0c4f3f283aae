package config

// Image describes an image to build.
type Image struct {
	Name string

	Go           *GoImage          `yaml:"go" doc:"A Go program, built static" oneof:"yes"`
	Python       *PythonImage      `yaml:"python" doc:"A Python program with locked requirements" oneof:"yes"`
	Dockerfile   string            `yaml:"dockerfile" doc:"A Dockerfile, built by BuildKit" form:"path" oneof:"yes"`
	BuildArgs    map[string]string `yaml:"build-args" doc:"Build arguments of the Dockerfile" form:"text"`
	BuildSecrets map[string]string `yaml:"build-secrets" doc:"Secrets of the Dockerfile's RUN --mount=type=secret, from their id to their secret source" form:"source"`
	SSH          bool              `yaml:"ssh" doc:"Offer the SSH agent to RUN --mount=type=ssh"`
	Git          bool              `yaml:"git" doc:"Let the Dockerfile's context have .git, without its configuration and hooks, for programs that read the version there"`
	Target       string            `yaml:"target" doc:"Stage of the Dockerfile"`
	Base         string            `yaml:"base" doc:"Base image of files: a reference, slipway://NAME for an image of this file, oci:DIR, archive:FILE.tar or apt:RELEASE; none when left out"`
	System       []string          `yaml:"system" doc:"Debian packages to add to the base of kinds python and files, such as libgl1; slipway.lock has their versions" form:"debian"`
	Files        []string          `yaml:"files" doc:"Files and directories of the repository to put into the image" form:"path" oneof:"rest"`
	Workdir      string            `yaml:"workdir" doc:"Working directory, and where files go; /app when left out" default:"/app"`
	User         string            `yaml:"user" doc:"User that the image runs as"`
	Owner        string            `yaml:"owner" doc:"User and group of the files, by number, such as 1000:1000; root when left out" form:"owner"`
	Env          map[string]string `yaml:"env" doc:"Environment variables" form:"text"`
	Entrypoint   []string          `yaml:"entrypoint" doc:"Entry point; a Go program's binary when left out"`
	Command      []string          `yaml:"command" doc:"Default arguments"`
	Tags         []string          `yaml:"tags" doc:"Tags in addition to those that slipway adds"`
	Platforms    []string          `yaml:"platforms" doc:"Platforms such as linux/amd64; the cluster's when left out" form:"platform"`
}

// GoImage describes an image with a Go program, with or without a base image.
type GoImage struct {
	Main string `yaml:"main" doc:"Path of the main package, such as ./cmd/train" required:"yes" form:"path"`
	Base string `yaml:"base" doc:"Base image: a reference, slipway://NAME, oci:DIR, archive:FILE.tar or apt:RELEASE; none when left out"`
}

// PythonImage describes an image with a Python program: its base image and locked
// requirements.
type PythonImage struct {
	Base         string   `yaml:"base" doc:"Base image that has Python: a reference, slipway://NAME, oci:DIR, archive:FILE.tar, or apt:RELEASE for one made of Debian packages, such as apt:bookworm" required:"yes"`
	Requirements string   `yaml:"requirements" doc:"Lock file with hashes: requirements.txt, uv.lock, poetry.lock or pylock.toml" required:"yes" form:"path"`
	Version      string   `yaml:"version" doc:"Version of the base's Python, such as 3.12; what the base says when left out" form:"python"`
	Interpreter  string   `yaml:"interpreter" doc:"Path of Python in the base; the first python3 on its PATH when left out"`
	Extras       []string `yaml:"extras" doc:"Extras of uv.lock, poetry.lock or pylock.toml to install"`
	Groups       []string `yaml:"groups" doc:"Dependency groups of uv.lock, poetry.lock or pylock.toml to install besides those that are for all"`
	FromSource   []string `yaml:"build-from-source" doc:"Packages that have no wheel: they are built from their source distributions, and must be pure Python"`
	Wheels       string   `yaml:"wheels" doc:"Directory of the repository whose wheels are taken instead of those of the lock" form:"path"`
}

// Kind returns the kind of the image: "go", "python", "dockerfile" or "files".
func (i *Image) Kind() string {
	switch {
	case i.Go != nil:
		return "go"
	case i.Python != nil:
		return "python"
	case i.Dockerfile != "":
		return "dockerfile"
	}
	return "files"
}

// NeedsBuildKit reports whether BuildKit builds the image. slipway makes all others itself.
func (i *Image) NeedsBuildKit() bool { return i.Kind() == "dockerfile" }

// NeedsBuildKit reports whether BuildKit builds one of the images.
func (c *Config) NeedsBuildKit() bool {
	for _, i := range c.Images {
		if i.NeedsBuildKit() {
			return true
		}
	}
	return false
}
