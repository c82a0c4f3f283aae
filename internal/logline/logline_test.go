package logline_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/logline"
)

func TestSanitize(t *testing.T) {
	const zero = "\u200b"
	for line, want := range map[string]string{
		"epoch 1\tloss 0.5":           "epoch 1\tloss 0.5",
		"":                            "",
		"größe ✓ 数据":                  "größe ✓ 数据",
		"\x1b[1;31mred\x1b[0m":        "\x1b[1;31mred\x1b[0m",
		"\x1b[38:5:196mred\x1b[m":     "\x1b[38:5:196mred\x1b[m",
		"\x1b[2Jclear":                `\x1b[2Jclear`,
		"\x1b]0;title\x07":            `\x1b]0;title\x07`,
		"\x9b2J":                      `\x9b2J`,
		"\u009b2J":                    `\x9b2J`,
		"\x00\x7f":                    `\x00\x7f`,
		"done\r":                      "done",
		" 10%\r 20%":                  ` 10%\r 20%`,
		"a\u2028::set-output name=a":  `a\u2028::set-output name=a`,
		"\u202egnp.exe":               `\u202egnp.exe`,
		"\xff\xfe":                    `\xff\xfe`,
		"::set-output name=a::b":      ":" + zero + ":set-output name=a::b",
		" \t::add-mask::x":            " \t:" + zero + ":add-mask::x",
		"\u00a0\u3000::warning::x":    "\u00a0\u3000:" + zero + ":warning::x",
		"::stop-commands::token":      ":" + zero + ":stop-commands::token",
		"##[group]x":                  "#" + zero + "#[group]x",
		"2026-01-01 ##[error]x":       "2026-01-01 #" + zero + "#[error]x",
		"a::b std::vector ## [x] #[y": "a::b std::vector ## [x] #[y",
	} {
		if got := logline.Sanitize(line); got != want {
			t.Errorf("Sanitize(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{
		"a\n\x1b[31mb\x1b[0m":      "a\nb",
		"\x1b[\x1b[0m31mc":         `\x1b[31mc`,
		"\x1b[1m::error::d":        ":\u200b:error::d",
		"\x1b]0;title\x07\x1b[2Je": `\x1b]0;title\x07\x1b[2Je`,
	} {
		if got := logline.PlainText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, seed := range []string{"::set-output name=a::b", "##[group]", "\x1b[31mx", "\xff\r\n", "###[[", "\u2029::x", "##\x00["} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got := logline.Sanitize(line)
		if logline.Sanitize(got) != got {
			t.Fatalf("%q becomes %q, which becomes %q", line, got, logline.Sanitize(got))
		}
		if !utf8.ValidString(got) || strings.Contains(got, "##[") || strings.HasPrefix(strings.TrimLeftFunc(got, unicode.IsSpace), "::") {
			t.Fatalf("%q becomes %q", line, got)
		}
		for _, r := range strings.ReplaceAll(got, "\x1b[", "") {
			if unicode.IsControl(r) && r != '\t' {
				t.Fatalf("%q becomes %q", line, got)
			}
		}
	})
}
