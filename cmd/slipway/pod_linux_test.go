package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	authentication "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestStoriesInPod runs the stories of testdata/pod with a real API server: slipway as a
// program in a pod sees it, which has the files of its service account and two variables,
// and no kubeconfig. The files are in $WORK/account. The account may only get, create and
// patch Secrets.
func TestStoriesInPod(t *testing.T) {
	t.Parallel()
	access := testenv.Kubernetes(t)
	server, err := url.Parse(access.Host)
	if err != nil {
		t.Fatal(err)
	}
	token, err := serviceAccount(t, access)
	if err != nil {
		t.Fatal(err)
	}
	authority := access.CAData
	if authority == nil {
		if authority, err = os.ReadFile(access.CAFile); err != nil {
			t.Fatal(err)
		}
	}
	stories(t, filepath.Join("testdata", "pod"), func(env *testscript.Env) error {
		env.Setenv("KUBERNETES_SERVICE_HOST", server.Hostname())
		env.Setenv("KUBERNETES_SERVICE_PORT", server.Port())
		account := filepath.Join(env.WorkDir, "account")
		if err := os.MkdirAll(account, 0o755); err != nil {
			return err
		}
		for name, text := range map[string][]byte{"token": []byte(token), "ca.crt": authority, "namespace": []byte("polyaxon-v1")} {
			if err := os.WriteFile(filepath.Join(account, name), text, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

// serviceAccount creates a service account, and returns a token for it.
func serviceAccount(t *testing.T, access *rest.Config) (string, error) {
	const namespace = "polyaxon-v1"
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		return "", err
	}
	named := metav1.ObjectMeta{Name: "deploys"}
	if _, err := clients.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := clients.CoreV1().ServiceAccounts(namespace).Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: named}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := clients.RbacV1().Roles(namespace).Create(t.Context(), &rbac.Role{ObjectMeta: named,
		Rules: []rbac.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "create", "patch"}}}}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	if _, err := clients.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbac.RoleBinding{ObjectMeta: named,
		RoleRef:  rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: named.Name},
		Subjects: []rbac.Subject{{Kind: rbac.ServiceAccountKind, Name: named.Name, Namespace: namespace}}}, metav1.CreateOptions{}); err != nil {
		return "", err
	}
	made, err := clients.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), named.Name, &authentication.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("ask for a token: %w", err)
	}
	return made.Status.Token, nil
}
