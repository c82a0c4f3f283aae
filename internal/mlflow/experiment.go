package mlflow

import (
	"context"
	"errors"
)

// alreadyExists is the code of the answer to a name that is in use, also by an experiment that was
// deleted.
const alreadyExists = "RESOURCE_ALREADY_EXISTS"

// CreateExperiment creates an experiment, unless there is one of this name. It returns a *StatusError if the
// server refuses that.
func (c *Client) CreateExperiment(ctx context.Context, name string) error {
	var created struct {
		ID string `json:"experiment_id"`
	}
	err := c.post(ctx, "experiments/create", map[string]string{"name": name}, &created)
	if refused := new(StatusError); errors.As(err, &refused) && refused.Code == alreadyExists {
		return nil
	}
	return err
}
