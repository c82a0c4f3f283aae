package runs

import (
	"math"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

func TestCost(t *testing.T) {
	prices := &config.Prices{Currency: "EUR", PerHour: map[string]float64{"nvidia.com/gpu": 2.5, "cpu": 0.04, "memory-gb": 0.005}}
	for name, test := range map[string]struct {
		content string
		running time.Duration
		want    float64 // negative if it is unknown
	}{
		"a gpu":             {`{"run":{"kind":"job","container":{"resources":{"limits":{"nvidia.com/gpu":1}}}}}`, 2 * time.Hour, 5},
		"requests first":    {`{"run":{"container":{"resources":{"requests":{"cpu":"500m","memory":"2G"},"limits":{"cpu":4,"memory":"8G"}}}}}`, time.Hour, 0.5*0.04 + 2*0.005},
		"replicas":          {`{"run":{"kind":"tfjob","worker":{"replicas":3,"container":{"resources":{"limits":{"nvidia.com/gpu":"2"}}}}}}`, time.Hour, 15},
		"nothing asked":     {`{"run":{"container":{}}}`, time.Hour, -1},
		"nothing is priced": {`{"run":{"container":{"resources":{"limits":{"amd.com/gpu":1}}}}}`, time.Hour, -1},
		"priced in part":    {`{"run":{"container":{"resources":{"limits":{"amd.com/gpu":1,"cpu":1}}}}}`, time.Hour, 0.04},
	} {
		got := Cost(prices, &run.Outcome{Run: polyaxon.Run{Content: test.content}, Times: run.Times{Running: &test.running}})
		switch {
		case got == nil || got.Currency != "EUR":
			t.Errorf("%s: %+v", name, got)
		case test.want < 0:
			if got.Amount != nil || got.Unknown == "" || got.String() != "unknown" {
				t.Errorf("%s: %+v is known", name, got)
			}
		case got.Amount == nil || math.Abs(*got.Amount-test.want) > 1e-9:
			t.Errorf("%s: %s, want %v", name, got, test.want)
		}
	}
	hour, none := time.Hour, time.Duration(0)
	if got := Cost(prices, &run.Outcome{Times: run.Times{Queued: &hour, Pulling: &none, Running: &none}}); got != nil {
		t.Errorf("a run that never had a node costs %+v", got)
	}
	if got := Cost(prices, &run.Outcome{Run: polyaxon.Run{Content: `{"run":{"container":{"resources":{"limits":{"cpu":1}}}}}`}}); got == nil || got.Amount != nil || got.Unknown == "" {
		t.Errorf("for a time that is not known it costs %+v", got)
	}
	if got := Cost(nil, &run.Outcome{Times: run.Times{Running: &hour}}); got != nil {
		t.Errorf("without prices it costs %+v", got)
	}
}
