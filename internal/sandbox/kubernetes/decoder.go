package kubernetes

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// decoder reads the objects of requests. Unknown and repeated fields are refused, reported
// or ignored, as the request wants.
type decoder struct {
	types *runtime.Scheme
	mode  string
	// warnings are what was reported.
	warnings []string
}

// newDecoder returns the decoder of a request. Like the API server it warns by default.
func newDecoder(types *runtime.Scheme, r *http.Request) (*decoder, error) {
	d := &decoder{types: types, mode: r.URL.Query().Get("fieldValidation")}
	switch d.mode {
	case "":
		d.mode = metav1.FieldValidationWarn
	case metav1.FieldValidationStrict, metav1.FieldValidationWarn, metav1.FieldValidationIgnore:
	default:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("fieldValidation: Unsupported value: %q: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"", d.mode))
	}
	return d, nil
}

// read reads a complete object, sent as JSON, YAML or protobuf.
func (d *decoder) read(k kind, body []byte, contentType string) (object, error) {
	form, _, err := mime.ParseMediaType(contentType)
	known := form == runtime.ContentTypeJSON || form == runtime.ContentTypeYAML || form == runtime.ContentTypeProtobuf
	if err != nil || !known {
		return nil, apierrors.NewGenericServerResponse(415, "create", k.group(), "", fmt.Sprintf("the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf (got %s)", contentType), 0, true)
	}
	return d.decode(k, body)
}

// decode reads a complete object.
func (d *decoder) decode(k kind, body []byte) (object, error) {
	gvk := k.gvk()
	x := k.empty()
	decoded, _, err := serializer.NewCodecFactory(d.types, serializer.EnableStrict).UniversalDeserializer().Decode(body, &gvk, x)
	if strict, ok := runtime.AsStrictDecodingError(err); ok {
		if err = d.report(k, strict.Errors()); err == nil && decoded == nil {
			decoded, _, err = serializer.NewCodecFactory(d.types).UniversalDeserializer().Decode(body, &gvk, x)
		}
		if apierrors.IsBadRequest(err) {
			return nil, err
		}
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", k.name, "v1", k.name, err))
	}
	if decoded != x {
		return nil, apierrors.NewBadRequest("the object is not a " + k.name)
	}
	return x, nil
}

// report refuses or reports what is wrong with fields.
func (d *decoder) report(k kind, problems []error) error {
	switch d.mode {
	case metav1.FieldValidationStrict:
		return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", k.name, "v1", k.name, runtime.NewStrictDecodingError(problems)))
	case metav1.FieldValidationWarn:
		for _, problem := range problems {
			d.warnings = append(d.warnings, problem.Error())
		}
	}
	return nil
}

// warn adds the warnings to a response. kubectl prints them.
func (d *decoder) warn(w http.ResponseWriter) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ")
	for _, text := range d.warnings {
		w.Header().Add("Warning", `299 - "`+quoted.Replace(text)+`"`)
	}
}

// statusOf returns an error as the API server reports it.
func statusOf(err error) *metav1.Status {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	status := known.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	return &status
}
