package googletest

import (
	"fmt"
	"math"
	"net/http"
	"strings"
)

// Machine makes the process run on a virtual machine with a service account.
func (s *Server) Machine(mail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machine = mail
}

// NoAccount is the service account of a virtual machine without one, for Machine.
const NoAccount = "none"

// metadata serves the metadata server, of
// cloud.google.com/compute/docs/metadata/querying-metadata. It is not there unless Machine
// was called.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request, path string) {
	if s.machine == "" {
		http.Error(w, "nobody is here", http.StatusBadGateway)
		return
	}
	w.Header().Set("Server", "Metadata Server for VM")
	w.Header().Set("Metadata-Flavor", "Google")
	const accounts = "v1/instance/service-accounts/default/"
	switch {
	case r.Header.Get("Metadata-Flavor") != "Google":
		http.Error(w, "Missing required header: Metadata-Flavor", http.StatusForbidden)
	case r.Header.Get("X-Forwarded-For") != "" || r.Method != http.MethodGet:
		http.Error(w, "forbidden", http.StatusForbidden)
	case !strings.HasPrefix(path, accounts) || s.machine == NoAccount:
		http.NotFound(w, r)
	case path == accounts+"email":
		w.Header().Set("Content-Type", "application/text")
		fmt.Fprint(w, s.machine)
	case path == accounts+"token" && s.denied["iam.serviceAccounts.getAccessToken"]:
		// GKE's metadata server, as kubernetes-sigs/external-dns#2064 has it
		http.Error(w, "Unable to generate access token; IAM returned 403 Forbidden: The caller does not have permission\n"+
			"This error could be caused by a missing IAM policy binding on the target IAM service account.", http.StatusForbidden)
	case path == accounts+"token":
		text, ends := s.issue("serviceAccount:"+s.machine, strings.ReplaceAll(r.URL.Query().Get("scopes"), ",", " "))
		answer(w, http.StatusOK, object{"access_token": text, "expires_in": int(math.Ceil(ends.Sub(s.now()).Seconds())), "token_type": "Bearer"})
	default:
		http.NotFound(w, r)
	}
}
