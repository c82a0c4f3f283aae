package main

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// model is a logistic regression on standardized features.
type model struct {
	Mean    []float64 `json:"mean"`
	Scale   []float64 `json:"scale"`
	Weights []float64 `json:"weights"`
	Bias    float64   `json:"bias"`
}

// newModel returns an untrained model with small random weights. It standardizes features
// by the training samples only.
func newModel(train []sample, seed uint64) *model {
	n := len(train[0].features)
	m := &model{Mean: make([]float64, n), Scale: make([]float64, n), Weights: make([]float64, n)}
	for i := range n {
		for _, s := range train {
			m.Mean[i] += s.features[i]
		}
		m.Mean[i] /= float64(len(train))
		for _, s := range train {
			m.Scale[i] += (s.features[i] - m.Mean[i]) * (s.features[i] - m.Mean[i])
		}
		m.Scale[i] = math.Sqrt(m.Scale[i] / float64(len(train)))
		if m.Scale[i] == 0 {
			m.Scale[i] = 1
		}
	}
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range m.Weights {
		m.Weights[i] = 0.01 * random.NormFloat64()
	}
	return m
}

func (m *model) standardize(features []float64) []float64 {
	x := make([]float64, len(features))
	for i, value := range features {
		x[i] = (value - m.Mean[i]) / m.Scale[i]
	}
	return x
}

// probability returns the probability that a sample is of the second class.
func (m *model) probability(features []float64) (float64, error) {
	if len(features) != len(m.Weights) {
		return 0, fmt.Errorf("a sample has %d features, and the model was trained on %d", len(features), len(m.Weights))
	}
	return m.sigmoid(m.standardize(features)), nil
}

func (m *model) sigmoid(x []float64) float64 {
	z := m.Bias
	for i, w := range m.Weights {
		z += w * x[i]
	}
	return 1 / (1 + math.Exp(-z))
}

// fit does one step of gradient descent over all samples, with an L2 penalty on the
// weights. It returns the mean log loss before the step.
func (m *model) fit(train []sample, rate, l2 float64) float64 {
	gradient, bias, loss := make([]float64, len(m.Weights)), 0.0, 0.0
	for _, s := range train {
		x, y := m.standardize(s.features), 0.0
		if s.positive {
			y = 1
		}
		p := m.sigmoid(x)
		loss -= y*math.Log(math.Max(p, 1e-12)) + (1-y)*math.Log(math.Max(1-p, 1e-12))
		for i := range x {
			gradient[i] += (p - y) * x[i]
		}
		bias += p - y
	}
	n := float64(len(train))
	for i := range m.Weights {
		m.Weights[i] -= rate * (gradient[i]/n + l2*m.Weights[i])
	}
	m.Bias -= rate * bias / n
	return loss / n
}

// report is an evaluation of a model on samples.
type report struct {
	Accuracy       float64 `json:"accuracy"`
	Precision      float64 `json:"precision"`
	Recall         float64 `json:"recall"`
	TruePositives  int     `json:"true_positives"`
	TrueNegatives  int     `json:"true_negatives"`
	FalsePositives int     `json:"false_positives"`
	FalseNegatives int     `json:"false_negatives"`
}

func (m *model) evaluate(samples []sample) (report, error) {
	var r report
	for _, s := range samples {
		p, err := m.probability(s.features)
		if err != nil {
			return r, err
		}
		switch predicted := p >= 0.5; {
		case predicted && s.positive:
			r.TruePositives++
		case predicted:
			r.FalsePositives++
		case s.positive:
			r.FalseNegatives++
		default:
			r.TrueNegatives++
		}
	}
	ratio := func(part, whole int) float64 { return float64(part) / math.Max(1, float64(whole)) }
	r.Accuracy = ratio(r.TruePositives+r.TrueNegatives, len(samples))
	r.Precision = ratio(r.TruePositives, r.TruePositives+r.FalsePositives)
	r.Recall = ratio(r.TruePositives, r.TruePositives+r.FalseNegatives)
	return r, nil
}
