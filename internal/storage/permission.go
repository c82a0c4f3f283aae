package storage

import (
	"context"
	"net/http"
	"net/url"
)

// Permissions returns those of the permissions that the caller has on a bucket. The error is an *Error with
// the code 404 or 501 where they cannot be asked for, such as from emulators.
// See cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions.
func (c *Client) Permissions(ctx context.Context, bucket string, permissions ...string) ([]string, error) {
	var answer struct{ Permissions []string }
	r := request{method: http.MethodGet, path: bucketPath(bucket) + "/iam/testPermissions", query: url.Values{"permissions": permissions}}
	err := c.call(ctx, r, &answer)
	return answer.Permissions, err
}
