"""Reports a run to MLflow's tracking server, if there is one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def run(params: dict) -> Iterator[Callable[[dict[str, float]], None]]:
    """Starts a run of MLflow with these params, and gives a function that logs metrics.

    Without MLFLOW_TRACKING_URI nothing is logged. slipway sets the variable, and those with the
    experiment and the tags.
    """
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        yield lambda metrics: None
        return
    import mlflow  # takes seconds, and predictions need none of it

    # start_run would make the experiment, too, but fails if another run makes it at the same time.
    mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", "penguins"))
    with mlflow.start_run():
        mlflow.log_params(params)
        yield mlflow.log_metrics
