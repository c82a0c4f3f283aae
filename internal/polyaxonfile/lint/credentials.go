package lint

import (
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/secret"
)

func credentialRules() []Rule {
	return []Rule{
		{Name: "plain-text-credential", Severity: file.SeverityWarning, Stage: file.StageAdvice, check: plainTextCredential,
			Summary: "A password, token or key in plain text",
			Help: "Everyone who can read the repository can read it, and Polyaxon stores it with each run and shows it in its pages. Put it into `secrets` of slipway.yaml and read it by `valueFrom: {secretKeyRef: ...}`, " +
				"or pass it as a param `secret:env:NAME`. If it is in use, revoke it: it stays in the history. check never prints the value."},
	}
}

var (
	// Known forms of tokens. Each is long enough not to match by chance.
	secretForm = lazyregexp.New(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b|\bglpat-[A-Za-z0-9_-]{20,}\b|\bxox[abprs]-[A-Za-z0-9-]{20,}\b|` +
		`\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{20,}\b|\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}\b|\bhf_[A-Za-z0-9]{30,}\b|\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}\b|\bdop_v1_[a-f0-9]{64}\b|` +
		`\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)
	privateKey = lazyregexp.New(`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----`)
	addressed  = lazyregexp.New(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:"']*:[^\s/@"']+@[^\s"']+`)
	assignment = lazyregexp.New(`^(?:--?)?([A-Za-z][\w.-]*)=(.+)$`)
	shellSet   = lazyregexp.New(`(?:^|[\s;])(?:export\s+)?([A-Za-z_]\w*)=("[^"]*"|'[^']*'|[^\s;"']+)`)
	openingKey = lazyregexp.New(`^--?([A-Za-z][\w.-]*)$`)
)

// secretStarts returns the prefixes of secretForm's alternatives. Most texts contain none
// of them, so that checking the prefixes first is faster.
func secretStarts() []string {
	return []string{"AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "AIza", "ya29.", "sk-", "hf_", "npm_", "pypi-", "dop_v1_", "eyJ"}
}

// plainTextCredential checks every text of the unit. It passes the values that it finds
// to options.Secrets, so that they are masked when findings are printed.
func plainTextCredential(p *pass) {
	seen := map[string]bool{}
	report := func(value string, path []string, what string) {
		secret.LearnSuspects(p.options.Secrets, secret.NewValue([]byte(value)))
		key := strings.Join(path, "\x00")
		if !seen[key] {
			seen[key] = true
			at := p.file.At(path...)
			p.add(at, 0, "put it into secrets of slipway.yaml and read it by secretKeyRef, or pass it as secret:env:NAME", what+" is in plain text here")
		}
	}
	visit := func(text string, path []string) {
		if value, what := credentialIn(text); value != "" {
			report(value, path, what)
		}
	}
	named := func(name string, value any, path []string) {
		if text, ok := value.(string); ok && secret.IsCredentialName(name) && looksSecret(text) {
			report(text, path, "what looks like a credential, "+name+",")
		}
	}
	for _, key := range sorted(p.component) {
		if key != "run" || p.run["kind"] != "dag" {
			texts(p.component[key], extend(p.path, key), visit)
		}
	}
	if p.operation != nil {
		for _, key := range sorted(p.operation) {
			if key != "component" {
				texts(p.operation[key], extend(p.operationPath, key), visit)
			}
		}
	}
	for _, section := range []string{"inputs", "outputs"} {
		for _, x := range p.declared(section) {
			named(x.name, x.value, extend(x.path, "value"))
		}
	}
	for _, name := range sorted(mapping(p.operation["params"])) {
		path := extend(p.operationPath, "params", name)
		param := mapping(p.operation["params"])[name]
		named(name, param, path)
		named(name, mapping(param)["value"], extend(path, "value"))
	}
	for _, c := range p.containers() {
		for i, element := range list(c.values["env"]) {
			named(text(mapping(element)["name"]), mapping(element)["value"], extend(c.path, "env", itoa(i), "value"))
		}
		words, paths := c.line()
		for i, word := range words {
			if m := assignment.FindStringSubmatch(word); m != nil && secret.IsCredentialName(m[1]) && looksSecret(m[2]) {
				report(m[2], paths[i], "what looks like a credential, "+m[1]+",")
			}
			for _, m := range shellSet.FindAllStringSubmatch(word, -1) {
				if value := strings.Trim(m[2], `"'`); secret.IsCredentialName(m[1]) && looksSecret(value) {
					report(value, paths[i], "what looks like a credential, "+m[1]+",")
				}
			}
			if m := openingKey.FindStringSubmatch(word); m != nil && secret.IsCredentialName(m[1]) && i+1 < len(words) && looksSecret(words[i+1]) && !strings.HasPrefix(words[i+1], "-") {
				report(words[i+1], paths[i+1], "what looks like a credential, "+m[1]+",")
			}
		}
	}
	for _, key := range []string{"env"} { // the shortcut of 2.18
		for _, name := range sorted(mapping(p.component[key])) {
			named(name, mapping(p.component[key])[name], extend(p.path, key, name))
		}
	}
}

// credentialIn returns a credential that it recognizes in a text by its form, and a
// description of it. It returns "" when there is none.
func credentialIn(text string) (value, what string) {
	if len(text) < 12 {
		return "", ""
	}
	if strings.Contains(text, "PRIVATE KEY") && privateKey.MatchString(text) {
		if strings.Contains(text, "service_account") {
			return text, "a service account's key"
		}
		return text, "a private key"
	}
	for _, start := range secretStarts() {
		if strings.Contains(text, start) {
			if value := secretForm.FindString(text); value != "" {
				return value, "a token"
			}
			break
		}
	}
	if !strings.Contains(text, "://") {
		return "", ""
	}
	for _, found := range addressed.FindAllString(text, -1) {
		if templated(found) {
			continue
		}
		u, err := url.Parse(found)
		if err != nil || u.User == nil {
			continue
		}
		if password, ok := u.User.Password(); ok && looksSecret(password) {
			return password, "an address with a password"
		}
	}
	return "", ""
}

// looksSecret reports whether a value may be a credential. It excludes values that only
// name or stand for one: templates, variables, paths, references, and words such as
// changeme.
func looksSecret(value string) bool {
	trimmed := strings.TrimSpace(value)
	lower := strings.ToLower(trimmed)
	switch {
	case len(trimmed) < 4, templated(trimmed), strings.HasPrefix(trimmed, "$"), strings.HasPrefix(trimmed, "/"), strings.HasPrefix(trimmed, "./"),
		strings.HasPrefix(trimmed, "~"), strings.HasPrefix(trimmed, "<"), strings.Trim(trimmed, "*xX.") == "":
		return false
	case slices.Contains([]string{"none", "null", "true", "false", "changeme", "change-me", "password", "secret", "token", "example", "placeholder", "todo", "dummy", "required", "optional"}, lower):
		return false
	case strings.HasPrefix(lower, "secret:"), secret.HasScheme(lower),
		strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"), strings.HasPrefix(lower, "gs://"), strings.HasPrefix(lower, "s3://"):
		return false
	case strings.HasSuffix(lower, ".json") || strings.HasSuffix(lower, ".pem") || strings.HasSuffix(lower, ".txt") || strings.HasSuffix(lower, ".yaml") || strings.HasSuffix(lower, ".yml"):
		return false
	}
	return len(trimmed) >= 6 || entropy(trimmed) > 1.9
}

// entropy returns the entropy of a text, in bits per character.
func entropy(text string) float64 {
	counts := map[rune]int{}
	for _, r := range text {
		counts[r]++
	}
	bits, total := 0.0, float64(len([]rune(text)))
	for _, n := range counts {
		share := float64(n) / total
		bits -= share * math.Log2(share)
	}
	return bits
}
