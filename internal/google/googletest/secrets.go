package googletest

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Version is a version of a secret.
type Version struct {
	Value []byte
	// State is ENABLED, which "" means, DISABLED or DESTROYED.
	State string
	// Damaged is how often its value arrives damaged.
	Damaged int
}

// AddSecret adds a secret of Project with versions, of which the last one is the latest.
func (s *Server) AddSecret(name string, versions ...*Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = versions
}

// secretManager serves Secret Manager, of
// cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access.
// The refusals are those of googleapis/python-secret-manager#389 and
// google-github-actions/get-secretmanager-secrets#268.
func (s *Server) secretManager(w http.ResponseWriter, r *http.Request, path string) {
	parts := strings.Split(path, "/")
	switch {
	case r.Method != http.MethodGet || len(parts) < 3 || parts[0] != "projects" || parts[2] != "secrets":
		http.NotFound(w, r)
	case len(parts) == 3:
		s.listSecrets(w, parts[1])
	case len(parts) != 6 || parts[4] != "versions" || !strings.HasSuffix(parts[5], ":access"):
		http.NotFound(w, r)
	default:
		s.access(w, parts[1], parts[3], strings.TrimSuffix(parts[5], ":access"))
	}
}

// access answers with the value of a version.
func (s *Server) access(w http.ResponseWriter, project, name, version string) {
	full := fmt.Sprintf("projects/%s/secrets/%s/versions/%s", project, name, version)
	versions, ok := s.secrets[name]
	if s.denied["secretmanager.versions.access"] || project != Project && project != ProjectNumber {
		denied(w, "secretmanager.versions.access", full)
		return
	}
	if !ok || len(versions) == 0 {
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret [projects/%s/secrets/%s] not found or has no versions.", ProjectNumber, name))
		return
	}
	n, err := strconv.Atoi(version)
	switch {
	case version == "latest":
		n = len(versions)
	case err != nil || n < 1 || n > len(versions):
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret Version [projects/%s/secrets/%s/versions/%s] not found.", ProjectNumber, name, version))
		return
	}
	full = fmt.Sprintf("projects/%s/secrets/%s/versions/%d", ProjectNumber, name, n)
	v := versions[n-1]
	if v.State != "" && v.State != "ENABLED" {
		refuse(w, http.StatusBadRequest, "FAILED_PRECONDITION", fmt.Sprintf("Secret Version [%s] is in %s state.", full, v.State))
		return
	}
	sum := crc32.Checksum(v.Value, crc32.MakeTable(crc32.Castagnoli))
	data := v.Value
	if v.Damaged > 0 {
		v.Damaged--
		data = append([]byte("x"), data...)
	}
	answer(w, http.StatusOK, object{"name": full, "payload": object{
		"data": base64.StdEncoding.EncodeToString(data), "dataCrc32c": strconv.FormatUint(uint64(sum), 10),
	}})
}

// listSecrets answers with the names of the secrets.
func (s *Server) listSecrets(w http.ResponseWriter, project string) {
	if s.denied["secretmanager.secrets.list"] || project != Project && project != ProjectNumber {
		denied(w, "secretmanager.secrets.list", "projects/"+project)
		return
	}
	all := []object{}
	var names []string
	for name := range s.secrets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, object{"name": "projects/" + ProjectNumber + "/secrets/" + name})
	}
	answer(w, http.StatusOK, object{"secrets": all, "totalSize": len(all)})
}
