package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func masker(values ...string) *Masker {
	m := NewMasker()
	for _, v := range values {
		m.Add(NewValue([]byte(v)))
	}
	return m
}

// body returns base64 in lines, as in a PEM file, of random bytes.
func body() string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 1200)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return wrapped(base64.StdEncoding.EncodeToString(b), 64)
}

func wrapped(text string, width int) string {
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	return strings.Join(append(lines, text), "\n")
}

// serviceAccount returns a service account key in Google's format.
func serviceAccount(t testing.TB) string {
	key, err := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "acme-ml", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
		"private_key":  "-----BEGIN PRIVATE KEY-----\n" + body() + "\n-----END PRIVATE KEY-----\n",
		"client_email": "deploy@acme-ml.iam.gserviceaccount.com", "client_id": "100000000000000000001",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
		"client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/deploy%40acme-ml.iam.gserviceaccount.com", "universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

// clear returns the longest part of value, or of its base64 at any alignment, that is
// left in text. Line breaks are ignored.
func clear(text, value string) string {
	flat := regexp.MustCompile(`\s|\\n`).ReplaceAllString(text, "")
	longest := ""
	for _, form := range append(inBase64(value), value, urlAlphabet.Replace(inBase64(value)[0])) {
		for from := range form {
			for to := from + len(longest) + 1; to <= len(form) && strings.Contains(flat, form[from:to]); to++ {
				longest = form[from:to]
			}
		}
	}
	return longest
}

// TestForms masks a value in the forms that slipway, Kubernetes, HTTP and common tools
// make of it. Less than eight characters of a form may be left.
func TestForms(t *testing.T) {
	const value = `pa+ss/wo"rd <7>&é canary-0123456789`
	std := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	goJSON, _ := json.Marshal(value)
	docker, _ := json.Marshal(map[string]any{"auths": map[string]any{"asia.gcr.io": map[string]string{"username": "_json_key", "password": value, "auth": std("_json_key:" + value)}}})
	long := "token: " + value + strings.Repeat("\nand more", 9)
	m := masker(value)
	for name, text := range map[string]string{
		"plain": value, "JSON": string(goJSON), "JSON in JSON": inJSON(string(goJSON)), "Go": fmt.Sprintf("%q", value), "ASCII": fmt.Sprintf("%+q", value),
		"query": url.QueryEscape(value), "path": url.PathEscape(value), "lower query": lowerHex.ReplaceAllStringFunc(url.QueryEscape(value), strings.ToLower),
		"base64": std(value), "raw": strings.TrimRight(std(value), "="), "URL": base64.URLEncoding.EncodeToString([]byte(value)),
		"alignment 1": std("x" + value), "alignment 2": std("xy" + value), "user:secret": std("admin:" + value), "NAME=secret": std("API_KEY=" + value),
		"wrapped at 64": wrapped(std(long), 64), "wrapped at 76": wrapped(std(long), 76), "indented": strings.ReplaceAll(wrapped(std(long), 64), "\n", "\n    "),
		"in lines of a job": strings.ReplaceAll(wrapped(std(long), 76), "\n", "\n  train | "),
		"wrapped in JSON":   inJSON(wrapped(std(long), 76)), "Docker's configuration": std(string(docker)), "and wrapped": wrapped(std(string(docker)), 76),
		"cut": value[:20] + "…", "cut with dots": value[:20] + "...",
	} {
		got := m.Mask("before " + text + " after")
		if left := clear(got, value); len(left) >= minPiece || !strings.Contains(got, masked) {
			t.Errorf("%s: %q is left in %q", name, left, got)
		}
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestServiceAccount masks the secret parts of a key and nothing else.
func TestServiceAccount(t *testing.T) {
	key := serviceAccount(t)
	compact := &bytes.Buffer{}
	if err := json.Compact(compact, []byte(key)); err != nil {
		t.Fatal(err)
	}
	std := base64.StdEncoding.EncodeToString([]byte(key))
	docker := string(DockerConfig("pull", "https://asia.gcr.io", NewValue([]byte(key))).Data[".dockerconfigjson"].Reveal())
	for name, m := range map[string]*Masker{"as it is": masker(key), "in base64": masker(std), "in Docker's configuration": masker(docker)} {
		public := []string{
			"asia.gcr.io/acme-ml/team/train@sha256:" + strings.Repeat("0", 64), `"service_account"`, "deploy@acme-ml.iam.gserviceaccount.com",
			"https://oauth2.googleapis.com/token", "https://www.googleapis.com/robot/v1/metadata/x509/deploy%40acme-ml.iam.gserviceaccount.com", "googleapis.com",
			"100000000000000000001", "-----BEGIN PRIVATE KEY-----", "asia.gcr.io", "_json_key",
		}
		for _, text := range public {
			if got := m.Mask(text); got != text {
				t.Errorf("%s: %s is masked: %s", name, text, got)
			}
		}
		for form, text := range map[string]string{
			"key": key, "compact": compact.String(), "base64": std, "wrapped": wrapped(std, 76), "wrapped at 64": wrapped(std, 64),
			"Docker's": docker, "Docker's in base64": base64.StdEncoding.EncodeToString([]byte(docker)), "and wrapped": wrapped(base64.StdEncoding.EncodeToString([]byte(docker)), 76),
		} {
			got := m.Mask(text)
			for _, line := range append(strings.Split(body(), "\n"), "0123456789abcdef0123456789abcdef01234567") {
				if left := clear(got, line); len(left) > 12 {
					t.Fatalf("%s, %s: %q is left", name, form, left)
				}
			}
		}
	}
}

func TestWords(t *testing.T) {
	m := masker("prod", "hunter2", "ab", "user=admin-account-name", "postgres://app:s3cr3t-pw@db/x", "abcdefgh", "abcdefghijkl")
	m.Public("asia.gcr.io/prod/team")
	for text, want := range map[string]string{
		"products of prod, and \"prod\".": "products of ***, and \"***\".",
		"asia.gcr.io/prod/team/x@sha256":  "asia.gcr.io/prod/team/x@sha256",
		"quay.io/prod/team":               "quay.io/***/team",
		"prod-cluster prod.yml prod_x":    "prod-cluster prod.yml prod_x",
		`{"a":"\nprod"}`:                  `{"a":"\n***"}`,
		"hunter2 hunter22 ab":             "*** hunter22 ab",
		"pass s3cr3t-pw":                  "pass ***",
		"abcdefghijkl abcdefgh":           "*** ***",
		"xabcdefghy":                      "x***y",
	} {
		if got := m.Mask(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestOnLearn checks that the function gets only forms that a runner may replace everywhere.
func TestOnLearn(t *testing.T) {
	m := NewMasker()
	m.Public("asia.gcr.io/acme-machines")
	var learned []string
	m.OnLearn(func(form string) { learned = append(learned, form); m.Mask("it is free to print") })
	m.Add(NewValue([]byte(serviceAccount(t))), NewValue([]byte("prod")), NewValue([]byte("acme-machines")), NewValue([]byte("line one of it\nline two of it")))
	all := "\n" + strings.Join(learned, "\n") + "\n"
	for _, want := range []string{strings.Split(body(), "\n")[3], "line two of it", "0123456789abcdef0123456789abcdef01234567"} {
		if !strings.Contains(all, "\n"+want+"\n") {
			t.Errorf("%s is not passed on", want)
		}
	}
	for _, form := range learned {
		if len(form) < minLengthInWords || strings.Contains("asia.gcr.io/acme-machines/acme-ml@sha256 service_account https://oauth2.googleapis.com/token", form) {
			t.Errorf("%q is passed on", form)
		}
	}
}

// TestSuspected masks what may be a secret, and passes it to the function only once it is known
// to be one.
func TestSuspected(t *testing.T) {
	m := NewMasker()
	learned := 0
	m.OnLearn(func(string) { learned++ })
	LearnSuspects(m, NewValue([]byte("Tr0ub4dor&3")))
	if got := m.Mask("it is Tr0ub4dor&3"); got != "it is ***" || learned > 0 {
		t.Errorf("%d are passed on, and it prints %q", learned, got)
	}
	m.Add(NewValue([]byte("Tr0ub4dor&3")))
	if learned == 0 {
		t.Error("none is passed on once it is known to be a secret")
	}
}

// TestSplitWrites checks that the result does not depend on how a stream is cut, and that
// no line is held back once it has ended.
func TestSplitWrites(t *testing.T) {
	secrets := []string{"correct horse battery staple", "prod", `with "quotes"` + "\n\tand lines of it"}
	text := "before correct horse battery staple after\nproduction prod\n" + base64.StdEncoding.EncodeToString([]byte("x:correct horse battery staple")) +
		"\r\n\x1b[2A\x1b[Jcorrect horse\n  train | and lines of it\ncorrect horse battery staple"
	m := masker(secrets...)
	want := m.Mask(text)
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var b bytes.Buffer
		w := m.Writer(&b)
		for rest := text; rest != ""; {
			n := 1 + r.IntN(min(len(rest), 40))
			_, _ = w.Write([]byte(rest[:n]))
			rest = rest[n:]
			if at := strings.LastIndexByte(text[:len(text)-len(rest)], '\n'); b.Len() < len(m.Mask(text[:at+1])) {
				t.Fatal("a line that has ended is held back")
			}
		}
		if err := w.Flush(); err != nil || b.String() != want {
			t.Fatalf("got %q, want %q", b.String(), want)
		}
	}
	var b bytes.Buffer
	w := m.Writer(&b)
	_, _ = w.Write([]byte("\x1b[2A\x1b[J"))
	if b.Len() != 7 {
		t.Errorf("a control sequence is held back: %q", b.String())
	}
	_, _ = w.Write([]byte("what cannot be one"))
	if b.Len() < 7+15 {
		t.Errorf("%q is all that was written", b.String())
	}
}

func TestJSONStaysJSON(t *testing.T) {
	m := masker("nABCDEFGH", `qu"ote\d-value`, "12345678", `", "b": "xx`)
	in := map[string]any{"a": "\nABCDEFGH nABCDEFGH", "b": `a qu"ote\d-value`, "c": 12345678, "d": []any{1.5, true, nil}, "e": base64.StdEncoding.EncodeToString([]byte("x nABCDEFGH"))}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(m.MaskJSON(text), &out); err != nil {
		t.Fatalf("%v: %s", err, m.MaskJSON(text))
	}
	if out["a"] != "\nABCDEFGH ***" || out["b"] != "a ***" || out["c"] != masked || strings.Contains(out["e"].(string), "QUJDREVG") {
		t.Errorf("got %v", out)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWatch checks that the credentials of a request are masked before it is sent, as a
// server may echo them.
func TestWatch(t *testing.T) {
	m := NewMasker()
	echo := func(r *http.Request) (*http.Response, error) {
		if got := m.Mask(fmt.Sprint(r.Header)); strings.Contains(got, "tok-0123456789") || strings.Contains(got, base64.StdEncoding.EncodeToString([]byte("me:pass-0123456789"))) || m.Mask("pass-0123456789") != masked && r.Header.Get("X") != "" {
			t.Errorf("an echo shows %s", got)
		}
		return nil, http.ErrHandlerTimeout
	}
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer tok-0123456789") },
		func(r *http.Request) { r.SetBasicAuth("me", "pass-0123456789"); r.Header.Set("X", "y") },
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		set(r)
		_, _ = Watch(roundTrip(echo), m).RoundTrip(r) //nolint:bodyclose // there is no response
	}
}

// TestLargeValues masks large values in bounded time.
func TestLargeValues(t *testing.T) {
	started := time.Now()
	zeros, lines := strings.Repeat("\x00", MaxSize/8), strings.Repeat("key = some-value-0123456789\n", MaxSize/30)
	m := masker(zeros, lines)
	got := m.Mask(strings.Repeat("AAAA", 100_000) + lines[:1000])
	if strings.Contains(got, "0123456789") {
		t.Error("a line is shown")
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestManyValues masks all values of a project whose values begin alike.
func TestManyValues(t *testing.T) {
	var values []string
	for n := range 300 {
		values = append(values, fmt.Sprintf("Prod!%03d#x", n))
	}
	for _, m := range []*Masker{masker(values...), masker(strings.Join(values, "\n"))} {
		for _, value := range values {
			text := value + " " + base64.StdEncoding.EncodeToString([]byte(value)) + " " + base64.StdEncoding.EncodeToString([]byte("x "+value+" y"))
			if got := m.Mask(text); strings.Count(got, masked) != 3 {
				t.Fatalf("%s is masked as %s", text, got)
			}
		}
	}
}

// TestManyLines takes a value of many lines apart in time that grows with their number.
func TestManyLines(t *testing.T) {
	var b strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&b, "%08x\n", n*7919)
	}
	if got := len(parts([]byte(b.String()))); got != 100_000 {
		t.Errorf("there are %d parts", got)
	}
}

func BenchmarkWriter(b *testing.B) {
	m := masker(serviceAccount(b), "correct horse battery staple", "a-token-0123456789abcdef")
	line := []byte("  train | epoch 10: loss 0.2134, accuracy 0.9812, learning rate 0.001 and some more words here\n")
	w := m.Writer(&bytes.Buffer{})
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		w.to.(*bytes.Buffer).Reset()
		_, _ = w.Write(line)
	}
}
