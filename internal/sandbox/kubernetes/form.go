package kubernetes

import (
	"mime"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// form is the form in which a client wants objects: whole if it is "", or else Table or
// PartialObjectMetadata. include says what a row of a table has of its object, a
// metav1.IncludeObjectPolicy.
type form struct {
	as      string
	include string
}

// formOf returns the first form of the Accept header that the server has.
func formOf(r *http.Request) form {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		kind, parameters, err := mime.ParseMediaType(accepted)
		if err != nil || kind != "application/json" && kind != "*/*" && kind != "application/*" {
			continue
		}
		switch as := strings.TrimSuffix(parameters["as"], "List"); {
		case as == "":
			return form{}
		case parameters["g"] == metav1.GroupName && parameters["v"] == "v1" && (as == "Table" || as == "PartialObjectMetadata"):
			return form{as: as, include: r.URL.Query().Get("includeObject")}
		}
	}
	return form{}
}

// one returns an object in the form.
func (f form) one(x object) any {
	switch f.as {
	case "Table":
		return f.table(kindOf(x), []object{x}, x.GetResourceVersion())
	case "PartialObjectMetadata":
		return partial(x)
	}
	return x
}

// list returns a list in the form.
func (f form) list(k kind, items []object, revision string) any {
	meta := metav1.ListMeta{ResourceVersion: revision}
	switch f.as {
	case "Table":
		return f.table(k, items, revision)
	case "PartialObjectMetadata":
		list := &metav1.PartialObjectMetadataList{
			TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"}, ListMeta: meta, Items: []metav1.PartialObjectMetadata{},
		}
		for _, x := range items {
			list.Items = append(list.Items, *partial(x))
		}
		return list
	}
	return map[string]any{"kind": k.name + "List", "apiVersion": "v1", "metadata": meta, "items": items}
}

// table returns objects as the rows that kubectl get prints.
func (f form) table(k kind, items []object, revision string) *metav1.Table {
	t := &metav1.Table{
		TypeMeta: metav1.TypeMeta{Kind: "Table", APIVersion: "meta.k8s.io/v1"}, ListMeta: metav1.ListMeta{ResourceVersion: revision},
		ColumnDefinitions: columns(k), Rows: []metav1.TableRow{},
	}
	for _, x := range items {
		row := metav1.TableRow{Cells: cells(x)}
		switch f.include {
		case string(metav1.IncludeObject):
			row.Object = runtime.RawExtension{Object: x}
		case string(metav1.IncludeNone):
		default:
			row.Object = runtime.RawExtension{Object: partial(x)}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// partial returns the metadata of an object.
func partial(x object) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadata", APIVersion: "meta.k8s.io/v1"},
		ObjectMeta: metav1.ObjectMeta{
			Name: x.GetName(), Namespace: x.GetNamespace(), UID: x.GetUID(), ResourceVersion: x.GetResourceVersion(), CreationTimestamp: x.GetCreationTimestamp(),
			DeletionTimestamp: x.GetDeletionTimestamp(), Labels: x.GetLabels(), Annotations: x.GetAnnotations(), OwnerReferences: x.GetOwnerReferences(),
			Finalizers: x.GetFinalizers(), ManagedFields: x.GetManagedFields(), GenerateName: x.GetGenerateName(),
		},
	}
}
