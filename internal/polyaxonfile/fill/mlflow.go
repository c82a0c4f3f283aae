package fill

// MLflow is the tracking server that runs report to. Empty fields are not passed to the
// runs.
type MLflow struct {
	TrackingURI, Experiment, Username string
	// Password and Token are the Secret keys that hold the password and the bearer token. The
	// zero SecretKey means none.
	Password, Token SecretKey
}

// variables returns the environment variables that MLflow reads, with their values; see
// mlflow.org/docs/latest/python_api/mlflow.environment_variables.html.
func (m MLflow) variables() map[string]any {
	all := map[string]any{}
	for name, value := range map[string]string{
		"MLFLOW_TRACKING_URI": m.TrackingURI, "MLFLOW_EXPERIMENT_NAME": m.Experiment, "MLFLOW_TRACKING_USERNAME": m.Username,
	} {
		if value != "" {
			all[name] = value
		}
	}
	for name, key := range map[string]SecretKey{"MLFLOW_TRACKING_PASSWORD": m.Password, "MLFLOW_TRACKING_TOKEN": m.Token} {
		if key != (SecretKey{}) {
			all[name] = key
		}
	}
	return all
}
