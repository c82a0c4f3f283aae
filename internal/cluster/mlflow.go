package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/source"
)

// mlflowName is the name of MLflow's Service, or the value of its label
// app.kubernetes.io/name.
const mlflowName = "mlflow"

// MLflow returns the Service of the MLflow in the namespace, which ChooseMLflow chooses.
func (c *Cluster) MLflow(ctx context.Context, configured string) (*Service, error) {
	all, err := c.Services(ctx)
	if apierrors.IsForbidden(err) { // it may still be readable by its name
		return c.Service(ctx, cmp.Or(configured, mlflowName), "")
	}
	if err != nil {
		return nil, fmt.Errorf("find MLflow in cluster %s: %w", c.Name, err)
	}
	chosen, err := c.ChooseMLflow(all, configured)
	if err != nil {
		return nil, err
	}
	return c.reachable(chosen, "")
}

// ChooseMLflow returns that of the Services of the namespace which is MLflow's: the one that
// is configured. If configured is "", it is the one named mlflow, or else the only one with
// the label app.kubernetes.io/name=mlflow. The error is a *NoServiceError or an
// *AmbiguousServiceError if there is not one.
func (c *Cluster) ChooseMLflow(all []corev1.Service, configured string) (*corev1.Service, error) {
	named := func(name string) int {
		return slices.IndexFunc(all, func(s corev1.Service) bool { return s.Name == name })
	}
	if at := named(cmp.Or(configured, mlflowName)); at >= 0 {
		return &all[at], nil
	}
	if configured != "" {
		return nil, c.noService(configured, all)
	}
	var labelled []*corev1.Service
	none := &NoServiceError{Name: "of MLflow (named mlflow, or with the label app.kubernetes.io/name=mlflow)", Namespace: c.Namespace, Cluster: c.Name}
	many := &AmbiguousServiceError{What: "MLflow", Namespace: c.Namespace, Cluster: c.Name}
	for i := range all {
		s := &all[i]
		switch near, ok := source.Nearest(mlflowName, []string{s.Name}); {
		case s.Labels["app.kubernetes.io/name"] == mlflowName:
			labelled = append(labelled, s)
			many.Found = append(many.Found, s.Name)
		case ok:
			none.Similar = append(none.Similar, near)
		case strings.Contains(s.Name, mlflowName):
			none.Similar = append(none.Similar, s.Name)
		}
	}
	switch len(labelled) {
	case 0:
		return nil, none
	case 1:
		return labelled[0], nil
	}
	return nil, many
}
