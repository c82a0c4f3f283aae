package dockerfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/image"
)

// TestReadHidden leaves hidden files out of the context, and says which of them an instruction
// would read.
func TestReadHidden(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\nCOPY conf /conf\n", "conf/token.txt": "t", "conf/app.yaml": "a", "other.txt": "o"})
	got, err := Read(t.Context(), Spec{Name: "app", Dir: dir, Hidden: []string{"conf/token.txt", "other.txt"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (&Reading{Files: []string{"Dockerfile", "conf/app.yaml"}, Excluded: []string{"conf/token.txt"}}); !cmp.Equal(want, got) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestReadAbsent finds pointers of Git LFS and empty submodules that an instruction reads.
func TestReadAbsent(t *testing.T) {
	lfs := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0a", 32) + "\nsize 12345\n"
	dir := write(t, t.TempDir(), map[string]string{
		"Dockerfile": "FROM scratch\nCOPY data libs /app/\nRUN --mount=type=bind,source=raw,target=/raw true\n", ".dockerignore": "libs/ignored\ndata/ignored.csv\n",
		"data/a.csv": lfs, "data/b.csv": "a,b\n", "data/ignored.csv": lfs, "raw/c.csv": lfs, "docs/d.csv": lfs, "libs/full/a.py": "1",
		".gitmodules": "[submodule \"a\"]\n\tpath = libs/empty\n[submodule \"b\"]\n\tpath = libs/ignored\n[submodule \"c\"]\n\tpath = libs/full\n[submodule \"d\"]\n\tpath = docs/empty\n",
	})
	for _, name := range []string{"libs/empty", "libs/ignored", "docs/empty"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(t.Context(), Spec{Name: "app", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := image.Absent{Pointers: []string{"data/a.csv", "raw/c.csv"}, Modules: []string{"libs/empty"}}
	if !cmp.Equal(want, got.Absent) {
		t.Errorf("got %+v, want %+v", got.Absent, want)
	}
}

// The Dockerfile says what a build reads. The test checks whether a file of variables gets
// into the image, and how, and whether an instruction reads a key.
func TestRead(t *testing.T) {
	key := "-----BEGIN " + "PRIVATE KEY-----\n"
	tree := map[string]string{
		".env": "A=1", "src/a.py": "1", "src/.env.local": "B=1", "conf/credentials.json": "{}", "conf/app.yaml": "", "keys/id_rsa": "x", "keys/server.pem": key,
		".netrc": "", "keys/ca.pem": "", "kubeconfig": "", "sa.json": `{"private_key": "` + key + `"}`, ".git/config": "x", "amd64.env": "",
	}
	secrets := ".env amd64.env conf/credentials.json kubeconfig src/.env.local"
	for what, c := range map[string]struct {
		dockerfile, ignore, target string
		arguments                  map[string]string
		files, secrets, left       string
	}{
		"everything": {"FROM scratch\nCOPY . /app\n", "", "", nil,
			"- .env amd64.env conf/app.yaml conf/credentials.json keys/ca.pem kubeconfig src/.env.local src/a.py", secrets, ".netrc keys/id_rsa keys/server.pem sa.json"},
		"ignored":                   {"FROM scratch\nCOPY . /app\n", "**/.env*\nconf\nkubeconfig\n*.env\n.netrc\nkeys\nsa.json\n", "", nil, "- .dockerignore src/a.py", "", ""},
		"taken back":                {"FROM scratch\nCOPY . .\n", "*\n!src\n", "", nil, "- .dockerignore src/.env.local src/a.py", "src/.env.local", ""},
		"a directory":               {"FROM scratch\nCOPY src /app\n", "", "", nil, "- src/.env.local src/a.py", "src/.env.local", ""},
		"patterns":                  {"FROM scratch\nCOPY src/*.py *.env /app/\n", "", "", nil, "- .env amd64.env src/a.py", ".env amd64.env", ""},
		"excluded":                  {"FROM scratch\nCOPY --exclude=.env* --exclude=*.json src conf /app/\n", "", "", nil, "- conf/app.yaml src/a.py", "", ""},
		"JSON":                      {"FROM scratch\nCOPY [\"src/a.py\", \".env\", \"/app/\"]\n", "", "", nil, "- .env src/a.py", ".env", ""},
		"ADD":                       {"FROM scratch\nADD https://example.com/.env /x\nADD --chmod=600 .env /app/\n", "", "", nil, "- .env", ".env", ""},
		"arguments":                 {"ARG D=conf\nFROM scratch\nARG D\nARG F=a.py\nARG TARGETARCH\nENV E=$D\nCOPY $E/app.yaml ${F:+src}/$F $TARGETARCH.env /\n", "", "", nil, "- amd64.env conf/app.yaml src/a.py", "amd64.env", ""},
		"given":                     {"ARG D=conf\nFROM scratch\nARG D\nCOPY $D /\n", "", "", map[string]string{"D": "src"}, "- src/.env.local src/a.py", "src/.env.local", ""},
		"a mount":                   {"FROM busybox\nRUN --mount=type=bind,source=.env,target=/x --mount=type=secret,id=a true\n", "", "", nil, "- .env", "", ""},
		"only a program is kept":    {"FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/x\nFROM scratch\nCOPY --from=build /out/x /x\n", "keys\nsa.json\n.netrc\n", "", nil, "- .dockerignore .env amd64.env conf/app.yaml conf/credentials.json kubeconfig src/.env.local src/a.py", "", ""},
		"all is kept":               {"FROM python AS build\nWORKDIR /app\nCOPY src .\nFROM python\nCOPY --from=build /app /srv\n", "", "", nil, "- src/.env.local src/a.py", "src/.env.local", ""},
		"by its number":             {"FROM python\nWORKDIR /app\nCOPY .env ./\nFROM python\nCOPY --from=0 /app/.env /\n", "", "", nil, "- .env", ".env", ""},
		"where only the base knows": {"FROM python AS build\nCOPY src .\nFROM python\nCOPY --from=build /usr/src/app /srv\n", "", "", nil, "- src/.env.local src/a.py", "src/.env.local", ""},
		"a mount of a stage":        {"FROM python AS build\nWORKDIR /app\nCOPY src .\nFROM python\nRUN --mount=from=build,source=/app,target=/b true\n", "", "", nil, "- src/.env.local src/a.py", "", ""},
		"on build":                  {"FROM python AS base\nWORKDIR /app\nONBUILD COPY src .\nFROM base\nRUN true\n", "", "", nil, "- src/.env.local src/a.py", "src/.env.local", ""},
		"a target":                  {"FROM python AS one\nCOPY src /\nFROM one AS two\nCOPY conf /\nFROM python AS three\nCOPY keys /\n", "", "TWO", nil, "- conf/app.yaml conf/credentials.json src/.env.local src/a.py", "conf/credentials.json src/.env.local", ""},
		"heredocs":                  {"# syntax=docker/dockerfile:1\nFROM python\nCOPY <<.env <<b /app/\nA=1\n.env\nb\nRUN <<EOF\nCOPY . /\nEOF\n", "", "", nil, "-", "", ""},
		"--parents --link":          {"FROM python\nCOPY --parents --link ./src/**/*.local /app/\n", "", "", nil, "- src/.env.local", "src/.env.local", ""},
		"escape":                    {"# escape=`\nFROM python\nCOPY `\n  src/a.py `\n  /\n", "", "", nil, "- src/a.py", "", ""},
	} {
		t.Run(what, func(t *testing.T) {
			files := map[string]string{"-": c.dockerfile}
			for name, text := range tree {
				files[name] = text
			}
			if c.ignore != "" {
				files[".dockerignore"] = c.ignore + "-\n"
			} else {
				files["-.dockerignore"] = "-*\n"
			}
			got, err := Read(t.Context(), Spec{Name: "app", Dir: write(t, t.TempDir(), files), File: "-", Target: c.target, BuildArgs: c.arguments})
			if err != nil {
				t.Fatal(err)
			}
			if c.ignore == "" {
				c.files = strings.Replace(c.files, "-", "- -.dockerignore", 1)
			}
			want := &Reading{Files: strings.Fields(c.files), Secrets: strings.Fields(c.secrets), Excluded: strings.Fields(c.left)}
			for _, all := range []*[]string{&want.Secrets, &want.Excluded, &got.Secrets, &got.Excluded} {
				if len(*all) == 0 {
					*all = nil
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{"FROM\n", "", "# syntax=example.com/other:1\nFROM scratch\n", "COPY a b\n"} {
		if _, err := Read(t.Context(), Spec{Name: "app", Dir: write(t, t.TempDir(), map[string]string{"Dockerfile": text})}); err == nil {
			t.Errorf("%q is understood", text)
		}
	}
}
