package image

import (
	"net/http"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// A registry that does not support HEAD is asked with GET, for bases, blobs and tags.
func testWithoutHead(t *testing.T, f *registrytest.Faults, r *registry.Client, dir string) {
	f.InterceptWith(nil)
	spec := filesSpec(dir, "src/part0/file0.py")
	spec.Base = pushBase(t, r, "bases/headless", v1.Platform{OS: "linux", Architecture: "amd64"})
	spec.Name = "team/headless"
	f.InterceptWith(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodHead
	})
	defer f.InterceptWith(nil)
	for _, upToDate := range []bool{false, true} {
		recipe, err := Prepare(t.Context(), spec, r)
		must(t, err)
		thorough := *r
		thorough.Verify = true
		pushed, err := Push(t.Context(), &thorough, recipe, []string{"v1"}, nil)
		must(t, err)
		if pushed.UpToDate != upToDate {
			t.Errorf("%+v", pushed)
		}
	}
}
