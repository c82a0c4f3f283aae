package kubernetes

import (
	"fmt"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// selector selects the objects of a list.
type selector struct {
	labels labels.Selector
	fields fields.Selector
}

func (s selector) matches(x object) bool {
	return s.labels.Matches(labels.Set(x.GetLabels())) && (s.fields.Empty() || s.fields.Matches(fieldsOf(x)))
}

// fieldsOf returns the fields by which objects can be selected, as the API server has them.
func fieldsOf(x object) fields.Set {
	set := fields.Set{"metadata.name": x.GetName()}
	if kindOf(x).namespaced {
		set["metadata.namespace"] = x.GetNamespace()
	}
	switch x := x.(type) {
	case *corev1.Namespace:
		set["status.phase"] = string(x.Status.Phase)
	case *corev1.Secret:
		set["type"] = string(x.Type)
	case *corev1.Pod:
		set["spec.nodeName"], set["spec.restartPolicy"] = x.Spec.NodeName, string(x.Spec.RestartPolicy)
		set["spec.schedulerName"], set["spec.serviceAccountName"] = x.Spec.SchedulerName, x.Spec.ServiceAccountName
		set["status.phase"], set["status.podIP"] = string(x.Status.Phase), x.Status.PodIP
	case *corev1.Event:
		set["involvedObject.kind"], set["involvedObject.namespace"] = x.InvolvedObject.Kind, x.InvolvedObject.Namespace
		set["involvedObject.name"], set["involvedObject.uid"] = x.InvolvedObject.Name, string(x.InvolvedObject.UID)
		set["involvedObject.apiVersion"], set["involvedObject.fieldPath"] = x.InvolvedObject.APIVersion, x.InvolvedObject.FieldPath
		set["reason"], set["type"], set["source"] = x.Reason, x.Type, x.Source.Component
		set["reportingComponent"], set["involvedObject.resourceVersion"] = x.ReportingController, x.InvolvedObject.ResourceVersion
	}
	return set
}

// parseSelector reads the selectors of a list of objects of a kind.
func parseSelector(k kind, query url.Values) (s selector, err error) {
	if s.labels, err = labels.Parse(query.Get("labelSelector")); err != nil {
		return s, apierrors.NewBadRequest(err.Error())
	}
	if s.fields, err = fields.ParseSelector(query.Get("fieldSelector")); err != nil {
		return s, apierrors.NewBadRequest(err.Error())
	}
	blank := k.empty()
	blank.GetObjectKind().SetGroupVersionKind(k.gvk())
	known := fieldsOf(blank)
	for _, required := range s.fields.Requirements() {
		if !known.Has(required.Field) {
			return s, apierrors.NewBadRequest("field label not supported: " + required.Field)
		}
	}
	return s, nil
}

// isDry reports whether a request must change nothing.
func isDry(dryRun []string) (bool, error) {
	switch {
	case len(dryRun) == 0:
		return false, nil
	case len(dryRun) == 1 && dryRun[0] == metav1.DryRunAll:
		return true, nil
	}
	return false, apierrors.NewBadRequest(fmt.Sprintf("dryRun: Unsupported value: %q: supported values: \"All\"", dryRun))
}

// deleteOptions reads the body of a delete, which may be empty, and its query. Nothing in
// the cluster depends on other objects, so that all propagation policies are the same.
func deleteOptions(types *runtime.Scheme, query url.Values, body []byte) (*metav1.DeleteOptions, error) {
	options := &metav1.DeleteOptions{DryRun: query["dryRun"]}
	if len(body) == 0 {
		_, err := isDry(options.DryRun)
		return options, err
	}
	gvk := corev1.SchemeGroupVersion.WithKind("DeleteOptions")
	if _, _, err := serializer.NewCodecFactory(types).UniversalDeserializer().Decode(body, &gvk, options); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	_, err := isDry(options.DryRun)
	return options, err
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
