package googletest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// sign returns a JWT with claims, signed by RS256 (RFC 7515).
func sign(key *rsa.PrivateKey, id string, claims object) string {
	header, _ := json.Marshal(object{"alg": "RS256", "typ": "JWT", "kid": id})
	payload, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// open decodes a JWT, and returns the id of its key and what verifies its signature.
func open(text string, claims any) (id string, verify func(*rsa.PublicKey) error, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return "", nil, errors.New("a JWT has three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "=")); err != nil {
			return "", nil, err
		}
	}
	var header struct{ Alg, Typ, Kid string }
	if err := json.Unmarshal(decoded[0], &header); err != nil || header.Alg != "RS256" || header.Typ != "JWT" {
		return "", nil, errors.New("the header of the JWT is not of RS256")
	}
	if err := json.Unmarshal(decoded[1], claims); err != nil {
		return "", nil, err
	}
	return header.Kid, func(key *rsa.PublicKey) error {
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], decoded[2])
	}, nil
}
