package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// serve answers POST /predict {"features": [...]} with the model on the volume.
func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	data := flags.String("data", "/polyaxon-v1-data/quickstart", "directory of model.json")
	port := flags.Int("port", 8000, "port to listen on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(*data, "model.json"))
	if err != nil {
		return fmt.Errorf("no model found, deploy first: %w", err)
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("model.json cannot be read: %w", err)
	}
	server := &http.Server{Addr: fmt.Sprintf(":%d", *port), Handler: handler(&m), ReadHeaderTimeout: 5 * time.Second}
	fmt.Printf("serving a model with %d features on port %d\n", len(m.Weights), *port)
	return server.ListenAndServe()
}

func handler(m *model) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "POST {\"features\": [%d numbers]} to /predict\n", len(m.Weights))
	})
	mux.HandleFunc("POST /predict", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Features []float64 `json:"features"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p, err := m.probability(body.Features)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]float64{"benign": p})
	})
	return mux
}
