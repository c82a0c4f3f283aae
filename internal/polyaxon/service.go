package polyaxon

import "encoding/json"

// ServiceURL gives where a service answers, through the server's gateway: below
// a prefix that is taken off when its operation says rewritePath, which a run out
// of a list does not tell.
func (c *Client) ServiceURL(r *Run, namespace string) string {
	var compiled struct {
		Run struct {
			RewritePath bool `json:"rewritePath"`
		} `json:"run"`
	}
	prefix := "/services/v1/"
	if json.Unmarshal([]byte(r.Content), &compiled) == nil && compiled.Run.RewritePath {
		prefix = "/rewrite-services/v1/"
	}
	return c.host + prefix + escape([]string{namespace, c.owner, r.Project, "runs", r.UUID}) + "/"
}
