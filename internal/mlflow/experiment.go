package mlflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// alreadyExists is the code of the answer to a name that is in use, also by an experiment that was
// deleted.
const alreadyExists = "RESOURCE_ALREADY_EXISTS"

// deletedStage is the stage of experiments and runs that were deleted, and can be restored.
const deletedStage = "deleted"

// DeletedError reports that an experiment was deleted. MLflow keeps its name, and its client reports nothing to it.
type DeletedError struct{ ID string }

// Error implements error.
func (e *DeletedError) Error() string {
	return fmt.Sprintf("it was deleted: restore it (mlflow experiments restore --experiment-id %s), or choose another name", e.ID)
}

// CreateExperiment creates an experiment, unless there is one of this name. It returns a *DeletedError if that was
// deleted, and a *StatusError if the server refuses to create it.
func (c *Client) CreateExperiment(ctx context.Context, name string) error {
	var created struct{}
	err := c.post(ctx, "experiments/create", map[string]string{"name": name}, &created)
	if refused := new(StatusError); !errors.As(err, &refused) || refused.Code != alreadyExists {
		return err
	}
	var found struct {
		Experiment struct {
			ID    string `json:"experiment_id"`
			Stage string `json:"lifecycle_stage"`
		} `json:"experiment"`
	}
	if err := c.send(ctx, http.MethodGet, "experiments/get-by-name", url.Values{"experiment_name": {name}}, nil, &found); err != nil {
		return err
	}
	if found.Experiment.Stage == deletedStage {
		return &DeletedError{found.Experiment.ID}
	}
	return nil
}
