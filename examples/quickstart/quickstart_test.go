package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPipeline runs the steps as the two jobs do. It checks that the model is right for
// 95% of the samples that it has not seen, which any sensible model reaches on this data.
func TestPipeline(t *testing.T) {
	data, artifacts := t.TempDir(), t.TempDir()
	outputs, keyFile := filepath.Join(artifacts, "outputs"), filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	process := []string{"process-data", "--in", "data/breast_cancer.csv", "--out", data}
	train := []string{"train", "--data", data, "--artifacts", artifacts, "--outputs", outputs, "--signing-key", keyFile}
	models := [2]string{}
	for i := range models {
		for _, step := range [][]string{process, train} {
			if err := run(step); err != nil {
				t.Fatal(err)
			}
		}
		models[i] = read(t, filepath.Join(outputs, "model.json"))
	}
	if models[0] != models[1] {
		t.Error("the same inputs gave two models")
	}
	var r report
	if err := json.Unmarshal([]byte(read(t, filepath.Join(outputs, "report.json"))), &r); err != nil {
		t.Fatal(err)
	}
	if r.Accuracy < 0.95 || r.TruePositives+r.TrueNegatives+r.FalsePositives+r.FalseNegatives != 142 {
		t.Errorf("the held-out samples: %+v", r)
	}
	losses := strings.Split(read(t, filepath.Join(artifacts, "events", "metric", "loss.plx")), "\n")
	if losses[0] != "step|timestamp|metric" || len(losses) != 201 {
		t.Errorf("loss.plx has %d lines, the first %q", len(losses), losses[0])
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte(models[0]))
	if got := strings.TrimSpace(read(t, filepath.Join(outputs, "model.json.sig"))); got != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature %s", got)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := write("key", "key")
	write("test.csv", "1,2,0\n")
	cut := write("cut.csv", "3,2,a,b\n1,2,0\n3,4,1\n")
	text := write("text.csv", "1,2,a,b\n1,two,0\n")
	short := write("short.csv", "1,2,a,b\n1,2\n")
	headless := write("headless.csv", "x,y\n1,2,0\n")
	empty := write("empty.csv", "")
	train := func(args ...string) []string {
		return append([]string{"train", "--data", dir, "--artifacts", dir, "--outputs", dir, "--signing-key", key}, args...)
	}
	for want, args := range map[string][]string{
		"say which step":                       {},
		`unknown step "deploy"`:                {"deploy"},
		"cannot find the data":                 {"process-data", "--in", filepath.Join(dir, "nowhere.csv")},
		"it was cut off":                       {"process-data", "--in", cut},
		"sample 1, column 2":                   {"process-data", "--in", text},
		"sample 1 has 2 columns, not 3":        {"process-data", "--in", short},
		"does not begin with the counts":       {"process-data", "--in", headless},
		"holds no samples":                     {"process-data", "--in", empty},
		"are needed":                           train("--epochs", "0"),
		"the learning rate is -1":              train("--learning-rate", "-1"),
		"cannot read the signing key":          train("--signing-key", filepath.Join(dir, "nowhere")),
		"no such file or directory":            train(),
		"flag provided but not defined: -what": train("--what"),
		"no model found, deploy first":         {"serve", "--data", filepath.Join(dir, "nowhere")},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", args, err, want)
		}
	}
}

func TestServing(t *testing.T) {
	m := &model{Mean: []float64{0, 0}, Scale: []float64{1, 1}, Weights: []float64{2, 0}, Bias: 0}
	server := httptest.NewServer(handler(m))
	defer server.Close()
	for body, want := range map[string]int{
		`{"features": [100, 1]}`: http.StatusOK, `{"features": [1]}`: http.StatusBadRequest, `nonsense`: http.StatusBadRequest,
	} {
		response, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]float64
		_ = json.NewDecoder(response.Body).Decode(&answer)
		_ = response.Body.Close()
		if response.StatusCode != want || want == http.StatusOK && answer["benign"] < 0.99 {
			t.Errorf("%s answers %d %v", body, response.StatusCode, answer)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
