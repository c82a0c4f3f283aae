package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// sample is one row of the data: its features, and whether it is of the second class.
type sample struct {
	features []float64
	positive bool
}

// testShare is the share of the samples that is held out for testing.
const testShare = 0.25

// processData splits the raw data into train.csv and test.csv on the volume. Both have
// the same share of each class, and the same seed always gives the same split.
func processData(args []string) error {
	flags := flag.NewFlagSet("process-data", flag.ContinueOnError)
	in := flags.String("in", "/app/examples/quickstart/data/breast_cancer.csv", "raw data")
	out := flags.String("out", "/polyaxon-v1-data/quickstart", "directory for train.csv and test.csv")
	seed := flags.Uint64("seed", 42, "seed of the split")
	if err := flags.Parse(args); err != nil {
		return err
	}
	samples, err := readRaw(*in)
	if err != nil {
		return err
	}
	fmt.Printf("read %d samples with %d features from %s\n", len(samples), len(samples[0].features), *in)
	train, test := split(samples, *seed)
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for name, part := range map[string][]sample{"train.csv": train, "test.csv": test} {
		if err := writeSamples(filepath.Join(*out, name), part); err != nil {
			return err
		}
	}
	fmt.Printf("wrote %d samples for training and %d held out to %s\n", len(train), len(test), *out)
	return nil
}

// readRaw reads the format of scikit-learn's data sets: a line with counts and the names
// of the classes, then one line per sample, whose last column is the class.
func readRaw(path string) ([]sample, error) {
	rows, err := readCSV(path)
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || len(rows[0]) < 2 {
		return nil, fmt.Errorf("%s holds no samples", path)
	}
	count, countErr := strconv.Atoi(rows[0][0])
	features, featuresErr := strconv.Atoi(rows[0][1])
	if err := errors.Join(countErr, featuresErr); err != nil {
		return nil, fmt.Errorf("%s does not begin with the counts of samples and features: %w", path, err)
	}
	if count != len(rows)-1 {
		return nil, fmt.Errorf("%s says it has %d samples and has %d: it was cut off", path, count, len(rows)-1)
	}
	return parse(path, rows[1:], features)
}

func readSamples(path string) ([]sample, error) {
	rows, err := readCSV(path)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s holds no samples", path)
	}
	return parse(path, rows, len(rows[0])-1)
}

func readCSV(path string) ([][]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the data: %w", err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	var rows [][]string
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		rows = append(rows, row)
	}
}

func parse(path string, rows [][]string, features int) ([]sample, error) {
	samples := make([]sample, 0, len(rows))
	for n, row := range rows {
		if len(row) != features+1 {
			return nil, fmt.Errorf("%s: sample %d has %d columns, not %d", path, n+1, len(row), features+1)
		}
		s := sample{features: make([]float64, features), positive: row[features] == "1"}
		for i := range features {
			value, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: sample %d, column %d: %w", path, n+1, i+1, err)
			}
			s.features[i] = value
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// split splits the samples so that both parts have the same share of each class.
func split(samples []sample, seed uint64) (train, test []sample) {
	random := rand.New(rand.NewPCG(seed, 0))
	for _, class := range []bool{false, true} {
		var of []sample
		for _, s := range samples {
			if s.positive == class {
				of = append(of, s)
			}
		}
		random.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		held := int(float64(len(of)) * testShare)
		test, train = append(test, of[:held]...), append(train, of[held:]...)
	}
	random.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
	return train, test
}

func writeSamples(path string, samples []sample) error {
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	writer := csv.NewWriter(file)
	for _, s := range samples {
		row := make([]string, 0, len(s.features)+1)
		for _, value := range s.features {
			row = append(row, strconv.FormatFloat(value, 'g', -1, 64))
		}
		class := "0"
		if s.positive {
			class = "1"
		}
		if err := writer.Write(append(row, class)); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	writer.Flush()
	if err := errors.Join(writer.Error(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
