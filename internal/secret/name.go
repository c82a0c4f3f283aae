package secret

import "github.com/slipway-ci/slipway/internal/lazyregexp"

// credentialName matches names such as DB_PASSWORD and apiKey.
var credentialName = lazyregexp.New(`(?i)(?:^|[_.\- ])(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|client[_-]?secret|auth[_-]?token|credentials?)$|(?:password|passwd|apikey|secretkey|accesskey|authtoken|privatekey)$`)

// IsCredentialName reports whether the name of a variable, a param or a key says that its value
// is a credential, such as DB_PASSWORD.
func IsCredentialName(name string) bool { return credentialName.MatchString(name) }
