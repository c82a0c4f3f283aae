package mlflow

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// TestCreateExperiment has the answers of MLflow 3.17. One that was deleted is there, too.
func TestCreateExperiment(t *testing.T) {
	for name, test := range map[string]struct {
		code         int
		answer, want string
	}{
		"new":     {200, `{"experiment_id": "7"}`, ""},
		"there":   {400, `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Experiment(name=churn) already exists. Error: (sqlite3.IntegrityError) UNIQUE constraint failed: experiments.workspace, experiments.name\n[SQL: INSERT INTO experiments", "sqlstate": "KAM00", "error_class": "RESOURCE_ALREADY_EXISTS"}`, ""},
		"invalid": {400, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Missing value for required parameter 'name'. See the API docs for more information about request parameters.", "sqlstate": "KAM00"}`, "it answers 400: Missing value for required parameter 'name'. See the API docs for more information about request parameters."},
		"refused": {403, `Permission denied`, "it refuses the user (403)"},
		"another": {200, `<html>`, "it does not answer as MLflow does (200)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := server(t, func(w http.ResponseWriter, r *http.Request) {
				var question map[string]string
				if _ = json.NewDecoder(r.Body).Decode(&question); r.URL.Path != "/below/api/2.0/mlflow/experiments/create" || question["name"] != "churn" {
					t.Errorf("it is asked %s %v", r.URL.Path, question)
				}
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, test.answer)
			})
			said := ""
			if err := c.CreateExperiment(t.Context(), "churn"); err != nil {
				said = err.Error()
			}
			if said != test.want {
				t.Errorf("have %q, want %q", said, test.want)
			}
		})
	}
}
