package cluster_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"regexp"
	"testing"

	"k8s.io/client-go/rest"
)

var update = flag.Bool("update", false, "write the sandbox's description of the API")

// described matches the paths that the sandbox's cluster serves.
var described = regexp.MustCompile(`^/api/v1(/watch)?(/namespaces/\{namespace\})?/(namespaces|secrets|configmaps|pods|services|events|nodes)(/\{name\}(/log|/portforward)?)?$`)

const openAPI = "../sandbox/kubernetes/openapi.json.gz"

// checkOpenAPI checks that the sandbox's description of the API is the part of the API
// server's that is about the kinds that the sandbox has.
func checkOpenAPI(t *testing.T, access *rest.Config) {
	client, err := rest.HTTPClientFor(access)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Get(access.Host + "/openapi/v3/api/v1")
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
		if !described.MatchString(path) {
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
	if *update {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = w.Write(want)
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil {
			err = os.WriteFile(openAPI, b.Bytes(), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if have, err := io.ReadAll(text); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s (%d bytes) is not of this API server (%d bytes): -update writes it; %v", openAPI, len(have), len(want), err)
	}
}
