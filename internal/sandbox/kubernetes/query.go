package kubernetes

import (
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/scheme"
)

// selector selects the objects of a list.
type selector struct {
	labels labels.Selector
	fields fields.Selector
}

func (s selector) matches(x object) bool {
	return s.labels.Matches(labels.Set(x.GetLabels())) &&
		s.fields.Matches(fields.Set{"metadata.name": x.GetName(), "metadata.namespace": x.GetNamespace()})
}

// parseSelector reads the selectors of a list. Fields other than the name and the namespace
// are refused.
func parseSelector(query url.Values) (s selector, err error) {
	if s.labels, err = labels.Parse(query.Get("labelSelector")); err != nil {
		return s, apierrors.NewBadRequest(err.Error())
	}
	if s.fields, err = fields.ParseSelector(query.Get("fieldSelector")); err != nil {
		return s, apierrors.NewBadRequest(err.Error())
	}
	for _, required := range s.fields.Requirements() {
		if required.Field != "metadata.name" && required.Field != "metadata.namespace" {
			return s, apierrors.NewBadRequest("field label not supported: " + required.Field)
		}
	}
	return s, nil
}

// deleteOptions reads the body of a delete, which may be empty.
func deleteOptions(body []byte) (*metav1.DeleteOptions, error) {
	options := &metav1.DeleteOptions{}
	if len(body) == 0 {
		return options, nil
	}
	gvk := corev1.SchemeGroupVersion.WithKind("DeleteOptions")
	if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, &gvk, options); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if len(options.DryRun) > 0 {
		return nil, apierrors.NewBadRequest(noDryRun)
	}
	return options, nil
}

func orZero[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
