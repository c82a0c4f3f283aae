package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestScopes counts pods only by the quotas whose scopes they are in.
func TestScopes(t *testing.T) {
	scope := func(all ...corev1.ResourceQuotaScope) corev1.ResourceQuotaSpec {
		return corev1.ResourceQuotaSpec{Scopes: all}
	}
	priority := func(operator corev1.ScopeSelectorOperator, values ...string) corev1.ResourceQuotaSpec {
		return corev1.ResourceQuotaSpec{ScopeSelector: &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: operator, Values: values}}}}
	}
	plain, asking, high, limited := pod(nil, nil), pod(list("cpu", "1"), nil), pod(nil, nil), pod(nil, nil)
	high.Spec.PriorityClassName = "high"
	deadline := int64(60)
	limited.Spec.ActiveDeadlineSeconds = &deadline
	for name, c := range map[string]struct {
		spec corev1.ResourceQuotaSpec
		pod  Pod
		want bool
	}{
		"no scope":                           {scope(), plain, true},
		"best effort is not known":           {scope(corev1.ResourceQuotaScopeBestEffort), plain, false},
		"not best effort":                    {scope(corev1.ResourceQuotaScopeNotBestEffort), asking, true},
		"not best effort is not known":       {scope(corev1.ResourceQuotaScopeNotBestEffort), plain, false},
		"terminating":                        {scope(corev1.ResourceQuotaScopeTerminating), limited, true},
		"not terminating":                    {scope(corev1.ResourceQuotaScopeNotTerminating), plain, true},
		"terminating and not":                {scope(corev1.ResourceQuotaScopeTerminating, corev1.ResourceQuotaScopeNotTerminating), limited, false},
		"any priority class":                 {scope(corev1.ResourceQuotaScopePriorityClass), high, true},
		"any priority class, and none":       {scope(corev1.ResourceQuotaScopePriorityClass), plain, false},
		"the priority class":                 {priority(corev1.ScopeSelectorOpIn, "low", "high"), high, true},
		"another priority class":             {priority(corev1.ScopeSelectorOpIn, "low"), high, false},
		"a priority class that is left out":  {priority(corev1.ScopeSelectorOpNotIn, "high"), high, false},
		"a priority class that is not named": {priority(corev1.ScopeSelectorOpNotIn, "low"), high, true},
		"without a priority class":           {priority(corev1.ScopeSelectorOpDoesNotExist), plain, true},
		"affinity to other namespaces":       {scope(corev1.ResourceQuotaScopeCrossNamespacePodAffinity), plain, false},
	} {
		if got := counts(&corev1.ResourceQuota{Spec: c.spec}, &c.pod); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	quota := []corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: priority(corev1.ScopeSelectorOpIn, "high")}}
	quota[0].Spec.Hard = list("pods", "1")
	if have := show(Quotas(quota, nil, []Pod{plain, high, plain})); have != "" {
		t.Errorf("pods of another class are counted: %s", have)
	}
	if have := show(Quotas(quota, nil, []Pod{plain, high, high})); have != "never run.container.resources.requests.pods: it asks for 2 pods, and resource quota team of the namespace allows 1" {
		t.Errorf("pods of the class: %s", have)
	}
}

// TestTogether adds up runs that start side by side.
func TestTogether(t *testing.T) {
	quota := []corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: list("limits.cpu", "4", "pods", "3")},
		Status: corev1.ResourceQuotaStatus{Used: list("limits.cpu", "1")}}}
	two, three, four := []Pod{pod(list("cpu", "2"), nil)}, []Pod{pod(list("cpu", "3"), nil)}, []Pod{pod(list("cpu", "4"), nil)}
	for name, c := range map[string]struct {
		runs [][]Pod
		want string
	}{
		"too much":     {[][]Pod{two, two}, "together they ask for 4 limits.cpu, and 3 of the 4 that resource quota team allows are free now: some wait until others end"},
		"one is alone": {[][]Pod{three}, ""},
		"one alone is too much, which is told of it": {[][]Pod{two, four}, ""},
		"nothing": {nil, ""},
	} {
		have := ""
		for _, text := range Together(quota, nil, c.runs) {
			have += text
		}
		if have != c.want {
			t.Errorf("%s: %s", name, have)
		}
	}
}
