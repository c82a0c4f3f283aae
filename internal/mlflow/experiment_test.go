package mlflow

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// TestCreateExperiment has the answers of MLflow 3.17. The name of one that was deleted is taken, too.
func TestCreateExperiment(t *testing.T) {
	const taken = `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Experiment(name=churn) already exists. Error: (sqlite3.IntegrityError) UNIQUE constraint failed: experiments.workspace, experiments.name\n[SQL: INSERT INTO experiments", "sqlstate": "KAM00", "error_class": "RESOURCE_ALREADY_EXISTS"}`
	for name, test := range map[string]struct {
		code                int
		answer, stage, want string
	}{
		"new":   {200, `{"experiment_id": "7"}`, "", ""},
		"there": {400, taken, "active", ""},
		"there, as MLflow 2.22 and stores in files say it": {400, `{"error_code": "RESOURCE_ALREADY_EXISTS", "message": "Experiment 'churn' already exists."}`, "active", ""},
		"deleted": {400, taken, "deleted", "it was deleted: restore it (mlflow experiments restore --experiment-id 7), or choose another name"},
		"invalid": {400, `{"error_code": "INVALID_PARAMETER_VALUE", "message": "Missing value for required parameter 'name'. See the API docs for more information about request parameters.", "sqlstate": "KAM00"}`, "", "it answers 400: Missing value for required parameter 'name'. See the API docs for more information about request parameters."},
		"refused": {403, `Permission denied`, "", "it refuses the request (403): Permission denied"},
		"another": {200, `<html>`, "", "it does not answer as MLflow does (200)"},
	} {
		t.Run(name, func(t *testing.T) {
			c := server(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/below/api/2.0/mlflow/experiments/get-by-name" && r.Method == http.MethodGet && r.URL.Query().Get("experiment_name") == "churn" {
					_, _ = io.WriteString(w, `{"experiment": {"experiment_id": "7", "name": "churn", "lifecycle_stage": "`+test.stage+`"}}`)
					return
				}
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
