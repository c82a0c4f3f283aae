package report

import (
	"strings"
	"testing"
)

// TestLowerIsBetter decides by the name of a metric. Letters in the middle of a word say nothing.
func TestLowerIsBetter(t *testing.T) {
	for _, name := range strings.Fields("loss val_loss logloss valErr top1_err error_rate rmse mae val/mae smape mape RMSLE nll cross_entropy kl_divergence brier FID wer cer time train_seconds perplexity latency_ms") {
		if !LowerIsBetter(name) {
			t.Errorf("a lower %s is better", name)
		}
	}
	for _, name := range strings.Fields("acc val_acc auc f1 map recall terrain_acc inferred_f1 transferred overrides mainframe daemae confidence nullity supply lifetimes") {
		if LowerIsBetter(name) {
			t.Errorf("a higher %s is better, or nobody knows", name)
		}
	}
}
