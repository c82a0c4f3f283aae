package debian

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keyring returns the keys that a source may be signed with, and where they are.
func (from *Sources) keyring(s aptSource) (openpgp.EntityList, string, error) {
	trusted := append([]string{"/etc/apt/trusted.gpg"}, from.files.Files("/etc/apt/trusted.gpg.d")...)
	files, prints := trusted, map[string]bool{}
	if len(s.signedBy) > 0 && strings.Contains(s.signedBy[0], "-----BEGIN") {
		keys, err := readKeys([]byte(s.signedBy[0]))
		return keys, s.file, err
	}
	named := s.signedBy[:0:0]
	for _, by := range s.signedBy {
		if strings.ContainsAny(by, "/.") { // others are fingerprints
			named = append(named, by)
		} else {
			prints[strings.ToUpper(strings.TrimSuffix(by, "!"))] = true
		}
	}
	if len(named) > 0 {
		files = named
	}
	var all openpgp.EntityList
	var read []string
	for _, file := range files {
		text, ok := from.files.File(file)
		if !ok {
			continue
		}
		read = append(read, file)
		keys, err := readKeys(text)
		if err != nil && len(named) > 0 {
			return nil, "", fmt.Errorf("the keyring %s of %s cannot be read: %w", file, s.file, err)
		}
		for _, key := range keys { // a keyring in trusted.gpg.d that cannot be read is no key
			if len(prints) == 0 || prints[strings.ToUpper(hex.EncodeToString(key.PrimaryKey.Fingerprint))] {
				all = append(all, key)
			}
		}
	}
	if len(read) == 0 && len(named) > 0 {
		return nil, "", fmt.Errorf("the keyring %s, which %s names, is not there", strings.Join(named, ", "), s.file)
	}
	if len(named) == 0 && len(read) > 1 {
		read = []string{path.Dir(trusted[0])}
	}
	return all, strings.Join(read, ", "), nil
}

// readKeys reads a keyring, with or without armor.
func readKeys(text []byte) (openpgp.EntityList, error) {
	if !bytes.Contains(text, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		return openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	return openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
}

// verify returns the text that InRelease contains, if one of the keys signed it.
func verify(inRelease []byte, keys openpgp.EntityList, now time.Time) ([]byte, error) {
	block, rest := clearsign.Decode(inRelease)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("it is not a signed text")
	}
	signature, err := io.ReadAll(block.ArmoredSignature.Body)
	if err != nil {
		return nil, signatureError(err)
	}
	return block.Plaintext, verifySignature(block.Bytes, signature, keys, now)
}

// verifyDetached returns an error unless one of the keys signed a text.
func verifyDetached(text, signature []byte, keys openpgp.EntityList, now time.Time) error {
	if bytes.HasPrefix(signature, []byte("-----BEGIN")) {
		block, err := armor.Decode(bytes.NewReader(signature))
		if err == nil {
			signature, err = io.ReadAll(block.Body)
		}
		if err != nil {
			return signatureError(err)
		}
	}
	return verifySignature(text, signature, keys, now)
}

// verifySignature returns an error unless one of the keys made a signature. One of the future is taken, as in apt:
// the field Date tells how far it may be ahead.
func verifySignature(text, signature []byte, keys openpgp.EntityList, now time.Time) error {
	check := func(at time.Time) (*packet.Signature, error) {
		made, _, err := openpgp.VerifyDetachedSignature(keys, bytes.NewReader(text), bytes.NewReader(signature), &packet.Config{Time: func() time.Time { return at }})
		return made, err
	}
	made, err := check(now)
	if errors.Is(err, pgperrors.ErrSignatureExpired) && made.CreationTime.After(now) {
		_, err = check(made.CreationTime)
	}
	return signatureError(err)
}

// signatureError says what is wrong with a signature in the words of apt.
func signatureError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return fmt.Errorf("it is signed by a key that is not among them (NO_PUBKEY): %w", err)
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return fmt.Errorf("it is signed by a key that has expired (EXPKEYSIG): %w", err)
	}
	return fmt.Errorf("its signature is not valid (BADSIG): %w", err)
}
