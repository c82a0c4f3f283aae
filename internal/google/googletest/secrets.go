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

// regionHeader has the region of the endpoint of Secret Manager to which a request was sent, and a slash.
const regionHeader = "X-Test-Region"

// AddSecret adds a secret of Project with versions, of which the last one is the latest. The name of
// a regional secret is LOCATION/NAME.
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
	region := ""
	if len(parts) > 3 && parts[2] == "locations" {
		region = parts[3] + "/"
		parts = slices.Delete(parts, 2, 4)
	}
	if at := r.Header.Get(regionHeader); at != region && s.public {
		refuse(w, http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.") // of another endpoint
		return
	}
	switch {
	case r.Method != http.MethodGet || len(parts) < 3 || parts[0] != "projects" || parts[2] != "secrets":
		http.NotFound(w, r)
	case len(parts) == 3:
		s.listSecrets(w, r, parts[1], region)
	case len(parts) != 6 || parts[4] != "versions" || !strings.HasSuffix(parts[5], ":access"):
		http.NotFound(w, r)
	default:
		s.access(w, parts[1], region, parts[3], strings.TrimSuffix(parts[5], ":access"))
	}
}

// access answers with the value of a version.
func (s *Server) access(w http.ResponseWriter, project, region, name, version string) {
	full := fmt.Sprintf("projects/%s/%ssecrets/%s/versions/%s", project, inside(region), name, version)
	versions, ok := s.secrets[region+name]
	if s.denied["secretmanager.versions.access"] || project != Project && project != ProjectNumber {
		denied(w, "secretmanager.versions.access", full)
		return
	}
	if !ok || len(versions) == 0 {
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret [projects/%s/%ssecrets/%s] not found or has no versions.", ProjectNumber, inside(region), name))
		return
	}
	n, err := strconv.Atoi(version)
	switch {
	case version == "latest":
		n = len(versions)
	case err != nil || n < 1 || n > len(versions):
		refuse(w, http.StatusNotFound, "NOT_FOUND", fmt.Sprintf("Secret Version [projects/%s/%ssecrets/%s/versions/%s] not found.", ProjectNumber, inside(region), name, version))
		return
	}
	full = fmt.Sprintf("projects/%s/%ssecrets/%s/versions/%d", ProjectNumber, inside(region), name, n)
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

// inside returns the part of a name for a region, which is REGION/ or "".
func inside(region string) string {
	if region == "" {
		return ""
	}
	return "locations/" + region
}

// listSecrets answers with a page of the names of the secrets.
func (s *Server) listSecrets(w http.ResponseWriter, r *http.Request, project, region string) {
	if s.denied["secretmanager.secrets.list"] || project != Project && project != ProjectNumber {
		denied(w, "secretmanager.secrets.list", "projects/"+project)
		return
	}
	var names []string
	for name := range s.secrets {
		if rest, ok := strings.CutPrefix(name, region); ok && !strings.Contains(rest, "/") {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	total := len(names)
	start, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	size, _ := strconv.Atoi(r.URL.Query().Get("pageSize"))
	names = names[min(max(start, 0), total):]
	page := object{"totalSize": total}
	if size > 0 && len(names) > size {
		names, page["nextPageToken"] = names[:size], strconv.Itoa(start+size)
	}
	all := []object{}
	for _, name := range names {
		all = append(all, object{"name": "projects/" + ProjectNumber + "/" + inside(region) + "secrets/" + name})
	}
	page["secrets"] = all
	answer(w, http.StatusOK, page)
}
