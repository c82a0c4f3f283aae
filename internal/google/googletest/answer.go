package googletest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer writes a JSON answer.
func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// object is a JSON object.
type object = map[string]any

// refuse writes a refusal as google.rpc.Status, in the form of google.aip.dev/193.
func refuse(w http.ResponseWriter, code int, status, message string, details ...object) {
	body := object{"code": code, "message": message, "status": status}
	if len(details) > 0 {
		body["details"] = details
	}
	answer(w, code, object{"error": body})
}

// info returns a google.rpc.ErrorInfo with pairs of metadata.
func info(reason, domain string, pairs ...string) object {
	metadata := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		metadata[pairs[i]] = pairs[i+1]
	}
	return object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain, "metadata": metadata}
}

// denied writes the refusal of IAM for a permission, in the words of
// googleapis/python-secret-manager#389, with the details of google-github-actions/auth#340.
func denied(w http.ResponseWriter, permission, resource string) {
	refuse(w, http.StatusForbidden, "PERMISSION_DENIED",
		fmt.Sprintf("Permission '%s' denied for resource '%s' (or it may not exist).", permission, resource),
		info("IAM_PERMISSION_DENIED", "iam.googleapis.com", "permission", permission, "resource", resource))
}

// unauthenticated writes the refusal of an access token, with a reason of
// google.api.ErrorReason.
func (s *Server) unauthenticated(w http.ResponseWriter, expired bool) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/"`)
	reason := "ACCESS_TOKEN_TYPE_UNSUPPORTED"
	if expired {
		reason = "ACCESS_TOKEN_EXPIRED"
	}
	refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED",
		"Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. "+
			"See https://developers.google.com/identity/sign-in/web/devconsole-project.", info(reason, "googleapis.com"))
}

// ProjectNumber is the number of the project of the cloud.
const ProjectNumber = "123456789012"

// notEnabled writes the refusal of an API that is not enabled, in the words of
// googleapis/nodejs-secret-manager#58, with the reason of google.api.ErrorReason.
func (s *Server) notEnabled(w http.ResponseWriter, api string) {
	link := "https://console.developers.google.com/apis/api/" + api + "/overview?project=" + ProjectNumber
	refuse(w, http.StatusForbidden, "PERMISSION_DENIED",
		api+" has not been used in project "+ProjectNumber+" before or it is disabled. Enable it by visiting "+link+
			" then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
		info("SERVICE_DISABLED", "googleapis.com", "service", api, "consumer", "projects/"+ProjectNumber),
		object{"@type": "type.googleapis.com/google.rpc.Help", "links": []object{{"description": "Google developers console API activation", "url": link}}})
}

// oauthError writes a refusal in the form of RFC 6749.
func oauthError(w http.ResponseWriter, code int, name, description string) {
	answer(w, code, object{"error": name, "error_description": description})
}
