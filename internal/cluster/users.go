package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The kinds of objects that use Secrets.
const (
	Deployment  = "Deployment"
	StatefulSet = "StatefulSet"
	DaemonSet   = "DaemonSet"
	Pod         = "Pod"
)

// User is an object of the namespace that runs and uses Secrets.
type User struct {
	// Kind is one of Deployment, StatefulSet, DaemonSet and Pod. A Pod is one that none of
	// the others has made.
	Kind, Name string
	// Run is the UUID of the run of Polyaxon that the object belongs to, or "".
	Run string
	// Secrets are the names of the Secrets whose values it gets.
	Secrets []string
}

// SecretUsers returns the objects of the namespace that use Secrets. If some kinds cannot be
// listed, it returns the others, and an error.
func (c *Cluster) SecretUsers(ctx context.Context) ([]User, error) {
	var users []User
	var errs []error
	add := func(kind string, meta metav1.ObjectMeta, spec v1.PodSpec) {
		user := User{Kind: kind, Name: meta.Name, Secrets: secretsOf(spec)}
		if meta.Labels[labelManagedBy] == "polyaxon" {
			user.Run = meta.Labels[labelRun]
		}
		if len(user.Secrets) > 0 {
			users = append(users, user)
		}
	}
	failed := func(what string, err error) bool {
		if err != nil {
			errs = append(errs, fmt.Errorf("list %s in namespace %s of cluster %s: %w", what, c.Namespace, c.Name, err))
		}
		return err != nil
	}
	if list, err := c.Client.AppsV1().Deployments(c.Namespace).List(ctx, metav1.ListOptions{}); !failed("deployments", err) {
		for i := range list.Items {
			add(Deployment, list.Items[i].ObjectMeta, list.Items[i].Spec.Template.Spec)
		}
	}
	if list, err := c.Client.AppsV1().StatefulSets(c.Namespace).List(ctx, metav1.ListOptions{}); !failed("statefulsets", err) {
		for i := range list.Items {
			add(StatefulSet, list.Items[i].ObjectMeta, list.Items[i].Spec.Template.Spec)
		}
	}
	if list, err := c.Client.AppsV1().DaemonSets(c.Namespace).List(ctx, metav1.ListOptions{}); !failed("daemonsets", err) {
		for i := range list.Items {
			add(DaemonSet, list.Items[i].ObjectMeta, list.Items[i].Spec.Template.Spec)
		}
	}
	if list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{}); !failed("pods", err) {
		for i := range list.Items {
			pod := &list.Items[i]
			owner := metav1.GetControllerOf(pod)
			of := owner != nil && slices.Contains([]string{"ReplicaSet", StatefulSet, DaemonSet}, owner.Kind)
			if !of && pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
				add(Pod, pod.ObjectMeta, pod.Spec)
			}
		}
	}
	return users, errors.Join(errs...)
}

// RestartUser makes an object start new pods in place of its old ones, as kubectl rollout
// restart does. It does not wait for them. A Pod cannot be restarted.
func (c *Cluster) RestartUser(ctx context.Context, u User, now time.Time) error {
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, now.Format(time.RFC3339))
	_, err := retry(ctx, c, func() (any, error) {
		var err error
		switch o := (metav1.PatchOptions{FieldManager: FieldManager}); u.Kind {
		case Deployment:
			_, err = c.Client.AppsV1().Deployments(c.Namespace).Patch(ctx, u.Name, types.StrategicMergePatchType, patch, o)
		case StatefulSet:
			_, err = c.Client.AppsV1().StatefulSets(c.Namespace).Patch(ctx, u.Name, types.StrategicMergePatchType, patch, o)
		case DaemonSet:
			_, err = c.Client.AppsV1().DaemonSets(c.Namespace).Patch(ctx, u.Name, types.StrategicMergePatchType, patch, o)
		default:
			err = errors.New("it cannot be restarted")
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("restart %s %s in namespace %s of cluster %s: %w", u.Kind, u.Name, c.Namespace, c.Name, err)
	}
	return nil
}

// secretsOf returns the names of the Secrets whose values the containers of a pod get.
func secretsOf(spec v1.PodSpec) []string {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil // a pod of the API always encodes
	}
	return SecretsIn(text)
}

// SecretsIn returns the names of the Secrets whose values the containers of a pod, or of an
// operation of Polyaxon, get as variables or files. text is JSON. Secrets for pulling
// images are not among them, because containers that run do not need them any more.
func SecretsIn(text []byte) []string {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return nil
	}
	names := map[string]bool{}
	findSecrets(value, names)
	return slices.Sorted(maps.Keys(names))
}

func findSecrets(value any, names map[string]bool) {
	switch x := value.(type) {
	case []any:
		for _, element := range x {
			findSecrets(element, names)
		}
	case map[string]any:
		for key, below := range x {
			inner, _ := below.(map[string]any)
			name := ""
			switch key {
			case "secretKeyRef", "secretRef": // of env and envFrom
				name, _ = inner["name"].(string)
			case "secret": // of a volume, or of a source of a projected volume
				if name, _ = inner["secretName"].(string); name == "" {
					name, _ = inner["name"].(string)
				}
			}
			if name != "" {
				names[name] = true
			}
			findSecrets(below, names)
		}
	}
}
