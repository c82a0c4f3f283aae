package metrics

import "testing"

// TestTrackedName has names that Polyaxon's client 1.11.3 and 2.18 were seen to change.
func TestTrackedName(t *testing.T) {
	for name, want := range map[string]string{
		"val_acc": "val_acc", "val/acc": "val__acc", "train/loss/total": "train__loss__total", "top 5": "top-5", "p%": "p", "valid:f1": "validf1",
		"ünï": "uni", "a|b": "ab", "val.acc": "val-acc", `a\/b`: "a__b", "": "",
	} {
		if got := TrackedName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
