package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
)

// account is a service account.
type account struct {
	keys     map[string]*rsa.PublicKey
	disabled bool
}

// Project is the project of the cloud.
const Project = "acme-ml"

// Account creates a service account and returns its address.
func (s *Server) Account(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	mail := name + "@" + Project + ".iam.gserviceaccount.com"
	s.accounts[mail] = &account{keys: map[string]*rsa.PublicKey{}}
	return mail
}

// DeleteAccount deletes a service account.
func (s *Server) DeleteAccount(mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.accounts, mail)
}

// DisableAccount disables a service account.
func (s *Server) DisableAccount(mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[mail].disabled = true
}

// DeleteKeys deletes all keys of a service account.
func (s *Server) DeleteKeys(mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.accounts[mail].keys)
}

// NewKey makes a key of a service account, as the file that Google Cloud makes for it.
func (s *Server) NewKey(mail string) []byte {
	s.t.Helper()
	key := s.newRSA()
	s.mu.Lock()
	defer s.mu.Unlock()
	id := random()[:40]
	s.accounts[mail].keys[id] = &key.PublicKey
	text, err := json.MarshalIndent(object{
		"type": "service_account", "project_id": Project, "private_key_id": id, "private_key": privatePEM(key),
		"client_email": mail, "client_id": "100000000000000000001",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": s.Endpoints().Token,
		"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
		"client_x509_cert_url":        "https://www.googleapis.com/robot/v1/metadata/x509/" + mail, "universe_domain": "googleapis.com",
	}, "", "  ")
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// newRSA makes a key. It is half as long as Google's, so that tests are fast.
func (s *Server) newRSA() *rsa.PrivateKey {
	s.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// privatePEM returns a private key as PKCS 8.
func privatePEM(key *rsa.PrivateKey) string {
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}

// Login logs a user in, and returns the file that gcloud writes Application Default
// Credentials to.
func (s *Server) Login(mail string) []byte {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	refresh := "1//" + random()
	s.users[refresh] = mail
	text, err := json.Marshal(object{
		"type": "authorized_user", "client_id": clientID, "client_secret": clientSecret, "refresh_token": refresh,
		"quota_project_id": Project, "account": "", "universe_domain": "googleapis.com",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// Logout revokes all logins of users.
func (s *Server) Logout() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.users)
}
