package google

import "strings"

// roleFor returns the smallest predefined role with a permission, or "" if slipway does not
// know one. See cloud.google.com/iam/docs/roles-permissions.
func roleFor(permission string, who Identity) string {
	switch permission {
	case "container.clusters.get", "container.clusters.list":
		return "roles/container.clusterViewer"
	case "container.clusters.connect":
		return "roles/container.developer"
	case "gkehub.memberships.get", "gkehub.memberships.list":
		return "roles/gkehub.viewer"
	case "secretmanager.versions.access":
		return "roles/secretmanager.secretAccessor"
	case "secretmanager.secrets.list", "secretmanager.secrets.get":
		return "roles/secretmanager.viewer"
	case "serviceusage.services.use":
		return "roles/serviceusage.serviceUsageConsumer"
	case impersonating:
		if who.Kind == Principal || who.Kind == PrincipalSet {
			return "roles/iam.workloadIdentityUser"
		}
		return "roles/iam.serviceAccountTokenCreator"
	}
	switch {
	case strings.HasPrefix(permission, "gkehub.gateway."):
		return "roles/gkehub.gatewayEditor"
	case strings.HasPrefix(permission, "container."):
		return "roles/container.developer"
	}
	return ""
}
