package dockerfile

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/registry"
	sandboxregistry "github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// BenchmarkImageBuildKit edits one source file of a tree with typical Python packages. It
// compares slipway's own layers with other tools that push images: BuildKit with the
// sources in a separate COPY, the best that a Dockerfile can do here, BuildKit with one
// COPY of all files, buildah with the former, and crane.
func BenchmarkImageBuildKit(b *testing.B) {
	handler, err := sandboxregistry.New(b.TempDir(), io.Discard)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(handler)
	b.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")

	dir := b.TempDir()
	testenv.PythonTree(b, dir)
	write := func(tb testing.TB, path, text string) {
		to := filepath.Join(dir, filepath.FromSlash(path))
		err := os.MkdirAll(filepath.Dir(to), 0o755)
		if err == nil {
			err = os.WriteFile(to, []byte(text), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	write(b, "split.Dockerfile", "FROM scratch\nCOPY site /app/site\nCOPY src /app/src\n")
	write(b, "whole.Dockerfile", "FROM scratch\nCOPY . /app\n")
	n := 0
	edit := func(tb testing.TB) { n++; write(tb, "src/part3/file3.py", fmt.Sprintf("print(%d)\n", n)) }

	builder, err := Find(context.Background(), Finder{Environ: []string{"BUILDKIT_HOST=" + testenv.BuildKit(b)}})
	if err != nil {
		b.Fatal(err)
	}
	buildKit := func(file string) func(testing.TB) int64 {
		return func(tb testing.TB) int64 {
			_, err := builder.Build(context.Background(), Spec{Name: "bench", Dir: dir, File: file},
				Output{Repository: host + "/" + strings.TrimSuffix(file, ".Dockerfile"), Tags: []string{"v1"}, PlainHTTP: true}, nil)
			if err != nil {
				tb.Fatal(err)
			}
			return 0
		}
	}
	slipway := func(tb testing.TB) int64 {
		r := &registry.Client{Prefix: host, NameOptions: []name.Option{name.Insecure}, Transport: registry.CachePings(http.DefaultTransport)}
		recipe, err := image.Prepare(context.Background(), image.Spec{Name: "slipway", Dir: dir, Kind: image.KindFiles, Files: []string{"site", "src"}}, r)
		if err == nil {
			_, err = image.Push(context.Background(), r, recipe, []string{"v1"}, nil)
		}
		if err != nil {
			tb.Fatal(err)
		}
		return 0
	}
	slipway(b)
	buildKit("split.Dockerfile")(b)
	contenders := []testenv.Contender{
		{Name: "slipway", Prepare: edit, Run: slipway},
		{Name: "BuildKit, COPY site, COPY src", Prepare: edit, Run: buildKit("split.Dockerfile")},
		{Name: "BuildKit, COPY .", Prepare: edit, Run: buildKit("whole.Dockerfile")},
		testenv.Crane(b, dir, host+"/crane", edit),
	}
	testenv.Compare(b, append(contenders, testenv.Buildah(b, dir, "split.Dockerfile", host+"/buildah", edit)...)...)
}
