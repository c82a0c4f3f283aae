package container

import "testing"

func TestRewrite(t *testing.T) {
	r := newRewriter([]rewrite{
		{"/data", "/host/d"}, {"/data/in", "/host/in"}, {"/app", "/tree/app"}, {"/data", "/second"},
	})
	for in, want := range map[string]string{
		"/data":                    "/host/d",
		"/data/x":                  "/host/d/x",
		"/data/in":                 "/host/in",
		"/data/in/x":               "/host/in/x",
		"/data/input":              "/host/d/input",
		"/database":                "/database",
		"--out=/data/x":            "--out=/host/d/x",
		"a:/data:/app/bin:/usr":    "a:/host/d:/tree/app/bin:/usr",
		"/data,/app x /app":        "/host/d,/tree/app x /tree/app",
		`{"path": "/data/x"}`:      `{"path": "/host/d/x"}`,
		`["/data"]`:                `["/host/d"]`,
		"https://example.com/data": "https://example.com/data",
		"x/data":                   "x/data",
		"":                         "",
		"/":                        "/",
		"/data/":                   "/host/d/",
		"ünï /data":                "ünï /host/d",
	} {
		if got := r.text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("--out=/data/x:/app")
	nothing := newRewriter([]rewrite{{"/data", "/data"}, {"/app", "/app"}})
	f.Fuzz(func(t *testing.T, s string) {
		if got := nothing.text(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
