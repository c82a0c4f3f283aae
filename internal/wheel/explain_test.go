package wheel

import (
	"errors"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
)

// The outputs were captured from pip, with the names of indexes removed.
func TestMissing(t *testing.T) {
	r := requirement{name: "foo-bar", version: "1.0", at: source.Position{File: "lock.txt", Line: 4, Column: 1}}
	target := linux(t, "3.11", "linux/amd64")
	for what, c := range map[string]struct {
		output, versions, want string
		index                  bool
	}{
		"nothing":  {"Status code 404 not in (200,)\n", "none", "no index has a wheel of foo-bar==1.0 (check the name, and set PIP_EXTRA_INDEX_URL for a private index)", false},
		"versions": {"", "0.1, 0.2, 0.3, 0.4, 0.5, 0.6", "the index has no foo-bar==1.0; it has 0.6, 0.5, 0.4, 0.3 and 2 others (" + newLock + ")", false},
		"source": {"  Skipping link: No sources permitted for foo-bar: https://x.example/foo_bar-1.0.tar.gz (from https://x.example/simple/foo-bar/)\n" +
			"  Skipping link: No sources permitted for foo-bar: https://x.example/foo_bar-0.9.zip (from x)\n", "none",
			"foo-bar==1.0 has no wheel for Python 3.11 on linux/amd64, only the source distribution foo_bar-1.0.tar.gz (" + onlySource + ")", false},
		"wheels": {"  Skipping link: none of the wheel's tags (cp311-cp311-win32) are compatible (run pip debug --verbose to show compatible tags): https://x.example/foo_bar-1.0-cp311-cp311-win32.whl#sha256=1 (from x)\n" +
			"  Skipping link: No sources permitted for foo-bar: https://x.example/foo_bar-1.0.tar.gz (from x)\n", "0.9",
			"foo-bar==1.0 has no wheel for Python 3.11 on linux/amd64; it has foo_bar-1.0-cp311-cp311-win32.whl (choose a version that has one, or another platform or Python)", false},
		"lock for another Python": {"  Skipping link: none of the wheel's tags (cp312-cp312-manylinux_2_17_x86_64) are compatible: https://x.example/foo_bar-1.0-cp312-cp312-manylinux_2_17_x86_64.whl#sha256=1 (from x)\n", "0.9",
			"foo-bar==1.0 has no wheel for Python 3.11 on linux/amd64; it has foo_bar-1.0-cp312-cp312-manylinux_2_17_x86_64.whl (the lock is for another Python: lock again with --python-version 3.11, or use a base with that Python)", false},
		"python": {"  Link requires a different Python (3.11.99 not in: '>=3.12'): https://x.example/foo_bar-1.0-py3-none-any.whl (from x) (requires-python:>=3.12)\n", "0.9",
			"foo-bar==1.0 requires Python >=3.12, but the image has 3.11 (use another version of Python, or lock for this one)", false},
		"local": {"  Skipping link: none of the wheel's tags (cp311-cp311-win32) are compatible: https://x.example/foo_bar-1.0%2Bcpu-cp311-cp311-win32.whl\n", "1.0+cpu",
			"the index has no foo-bar==1.0; it has 1.0+cpu (" + newLock + ")", false},
		"credentials": {"Could not fetch URL https://x.example/simple/foo-bar/: 401 Client Error: Unauthorized for url\n", "none", "authentication failed for the index", true},
		"forbidden":   {`https://x.example "GET /simple/foo-bar/ HTTP/1.1" 403 0`, "none", "authentication failed for the index", true},
		"name":        {"WARNING: Retrying (Retry(total=0)) after connection broken by 'NameResolutionError(\"x\")': /simple/foo-bar/\n", "none", "the index cannot be reached: NameResolutionError", true},
		"broken":      {"Could not fetch URL https://x.example/simple/foo-bar/: 503 Server Error: no\n", "none", "the index failed with status 503", true},
	} {
		err := noWheelReason(target, r, c.output, c.versions)
		offline, wrong := (*IndexError)(nil), (*source.Error)(nil)
		switch {
		case c.index && (!errors.As(err, &offline) || offline.Reason != c.want || offline.Requirement != "foo-bar==1.0" || offline.Line != 4):
			t.Errorf("%s: %#v", what, err)
		case !c.index && (!errors.As(err, &wrong) || err.Error() != "lock.txt:4:1: "+c.want):
			t.Errorf("%s:\n got %v\nwant %s", what, err, c.want)
		}
	}
}

func TestExplain(t *testing.T) {
	part := []requirement{{name: "a", version: "1", at: source.Position{File: "lock.txt", Line: 1, Column: 1}}, {name: "foo-bar", version: "2", at: source.Position{File: "lock.txt", Line: 9, Column: 1}}}
	d := &download{}
	for output, want := range map[string]string{
		"ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you\n    Foo_Bar==2 from https://me:secret@x.example/a/Foo_Bar-2-py3-none-any.whl#sha256=1 (from -r /tmp/x (line 2)):\n        Expected sha256 " + digest("0") + "\n        Expected     or " + digest("1") + "\n             Got        " + digest("2") + "\n": "lock.txt:9:1: hash mismatch: the index has Foo_Bar-2-py3-none-any.whl for foo-bar==2 with the SHA-256 " + digest("2") +
			", which is not in the lock (if a file was added to the index, lock again; otherwise do not trust the index)",
		"pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='x'): Read timed out. /packages/foo-bar/x.whl": "lock.txt:9:1: download foo-bar==2: the index x cannot be reached: ReadTimeoutError (check the network, the proxy and PIP_INDEX_URL; cached packages need no network)",
		"noise\nERROR: Could not install packages due to an OSError: [Errno 28] No space left on device: https://me:secret@x\n":   "pip download failed: exit status 1:\nCould not install packages due to an OSError: [Errno 28] No space left on device: https://***@x",
	} {
		err := d.explain(t.Context(), part, t.TempDir(), output, errors.New("exit status 1"))
		if err.Error() != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
}

func TestLicense(t *testing.T) {
	for text, want := range map[string]string{
		"License-Expression: MIT OR Apache-2.0\nLicense: BSD\n":                  "MIT OR Apache-2.0",
		"License: BSD\nClassifier: License :: OSI Approved :: MIT License\n":     "BSD",
		"License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n": "MIT License",
		"License: UNKNOWN\n": "",
		"License: Copyright (c) 2020\n        All rights\n       |reserved\nClassifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: BSD License\nClassifier: License :: Public Domain\n": "BSD License, Public Domain",
		"License: Copyright (c) 2020\n        All rights\n": "Copyright (c) 2020",
		"Name: x\n\nLicense: MIT\n":                         "",
		"license:  a\tb \n":                                 "a b",
	} {
		if got := parseMetadata(text).license; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
