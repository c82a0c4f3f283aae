package cluster_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"k8s.io/client-go/rest"
)

var update = flag.Bool("update", false, "write the sandbox's description of the API")

// descriptions are the sandbox's descriptions of its API groups: where the API server has
// them, in which files they are, and what the sandbox's cluster serves.
var descriptions = []struct {
	group, file string
	served      *regexp.Regexp
}{
	{"api/v1", "core.json.gz", regexp.MustCompile(`^/api/v1(/watch)?(/namespaces/\{namespace\})?/(namespaces|secrets|configmaps|pods|services|events|nodes)(/\{name\}(/log|/portforward)?)?$`)},
	{"apis/authentication.k8s.io/v1", "authentication.json.gz", regexp.MustCompile(`^/apis/authentication\.k8s\.io/v1/selfsubjectreviews$`)},
	{"apis/authorization.k8s.io/v1", "authorization.json.gz", regexp.MustCompile(`^/apis/authorization\.k8s\.io/v1/selfsubject(access|rules)reviews$`)},
}

// checkOpenAPI checks that the sandbox's descriptions of its API are the parts of the API
// server's that are about the kinds that the sandbox has.
func checkOpenAPI(t *testing.T, access *rest.Config) {
	client, err := rest.HTTPClientFor(access)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range descriptions {
		file := filepath.Join("..", "sandbox", "kubernetes", "openapi", d.file)
		want := describe(t, client, access.Host+"/openapi/v3/"+d.group, d.served)
		if *update {
			compress(t, file, want)
		}
		if have := decompress(t, file); !bytes.Equal(have, want) {
			t.Errorf("%s (%d bytes) is not of this API server (%d bytes): -update writes it", file, len(have), len(want))
		}
	}
}

// describe returns the part of the API server's description that is about the paths that
// the sandbox serves.
func describe(t *testing.T, client *http.Client, address string, served *regexp.Regexp) []byte {
	t.Helper()
	response, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var whole map[string]any
	if err := json.NewDecoder(response.Body).Decode(&whole); err != nil {
		t.Fatal(err)
	}
	paths, _ := whole["paths"].(map[string]any)
	for path := range paths {
		if !served.MatchString(path) {
			delete(paths, path)
		}
	}
	components, _ := whole["components"].(map[string]any)
	all, _ := components["schemas"].(map[string]any)
	used := map[string]any{}
	var use func(value any)
	use = func(value any) {
		switch x := value.(type) {
		case map[string]any:
			if reference, ok := x["$ref"].(string); ok {
				name := reference[len("#/components/schemas/"):]
				if _, known := used[name]; !known {
					used[name] = all[name]
					use(all[name])
				}
			}
			for _, below := range x {
				use(below)
			}
		case []any:
			for _, below := range x {
				use(below)
			}
		}
	}
	use(paths)
	components["schemas"] = used
	want, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// compress writes a file.
func compress(t *testing.T, path string, text []byte) {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// decompress reads a file.
func decompress(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
