package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// train trains a model on train.csv on the volume and evaluates it on test.csv. It writes
// the metrics as Polyaxon's events, and the signed model to the run's outputs and to the
// volume.
func train(args []string) error {
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	data := flags.String("data", "/polyaxon-v1-data/quickstart", "directory of train.csv and test.csv")
	artifacts := flags.String("artifacts", "", "the run's artifacts, for events")
	outputs := flags.String("outputs", "", "the run's outputs, for the model")
	keyFile := flags.String("signing-key", "/var/secret/quickstart/signing-key", "key to sign the model with")
	rate := flags.Float64("learning-rate", 0.5, "learning rate")
	epochs := flags.Int("epochs", 200, "passes over the data")
	l2 := flags.Float64("l2", 0.001, "weight of the L2 penalty")
	seed := flags.Uint64("seed", 42, "seed of the first weights")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *artifacts == "" || *outputs == "" || *epochs < 1 {
		return errors.New("--artifacts, --outputs and at least one epoch are needed")
	}
	if *rate <= 0 {
		return fmt.Errorf("the learning rate is %g: a model learns with one above 0 only", *rate)
	}
	key, err := os.ReadFile(*keyFile)
	if err != nil {
		return fmt.Errorf("cannot read the signing key: %w", err)
	}
	trainSet, err := readSamples(filepath.Join(*data, "train.csv"))
	if err != nil {
		return err
	}
	testSet, err := readSamples(filepath.Join(*data, "test.csv"))
	if err != nil {
		return err
	}
	fmt.Printf("training on %d samples for %d epochs, signed as %s\n", len(trainSet), *epochs, os.Getenv("SIGNER"))
	m := newModel(trainSet, *seed)
	var losses []float64
	for epoch := range *epochs {
		loss := m.fit(trainSet, *rate, *l2)
		losses = append(losses, loss)
		if epoch%50 == 0 || epoch == *epochs-1 {
			fmt.Printf("epoch %d: loss %.4f\n", epoch, loss)
		}
	}
	r, err := m.evaluate(testSet)
	if err != nil {
		return err
	}
	fmt.Printf("on %d held-out samples: accuracy %.4f, precision %.4f, recall %.4f\n", len(testSet), r.Accuracy, r.Precision, r.Recall)
	return errors.Join(
		writeMetric(*artifacts, "loss", losses...), writeMetric(*artifacts, "accuracy", r.Accuracy),
		writeMetric(*artifacts, "precision", r.Precision), writeMetric(*artifacts, "recall", r.Recall),
		writeModel(*outputs, m, r, key), writeModel(*data, m, r, key),
	)
}

// writeMetric writes one of Polyaxon's event files. Its lines are step|timestamp|metric.
func writeMetric(artifacts, name string, values ...float64) error {
	var b bytes.Buffer
	b.WriteString("step|timestamp|metric")
	for step, value := range values {
		fmt.Fprintf(&b, "\n%d|%s|%s", step, time.Now().UTC().Format("2006-01-02 15:04:05.000000+00:00"), strconv.FormatFloat(value, 'g', -1, 64))
	}
	dir := filepath.Join(artifacts, "events", "metric")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".plx"), b.Bytes(), 0o644)
}

// writeModel writes model.json, its evaluation as report.json, and the signature of
// model.json.
func writeModel(dir string, m *model, r report, key []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	evaluation, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "model.json"), text, 0o644),
		os.WriteFile(filepath.Join(dir, "report.json"), evaluation, 0o644),
		os.WriteFile(filepath.Join(dir, "model.json.sig"), []byte(hex.EncodeToString(mac.Sum(nil))+"\n"), 0o644),
	)
}
