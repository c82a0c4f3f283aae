"""What the tests share: the raw data, prepared once, and a small model of it."""

from pathlib import Path

import pytest

from penguins import prepare, train

RAW = Path(__file__).parent.parent / "data" / "raw"


@pytest.fixture(scope="session")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("processed")
    prepare.main(["--input", str(RAW), "--output", str(directory)])
    return directory


@pytest.fixture(scope="session")
def outputs(processed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of a run of train, with the model of the run 5eed."""
    directory = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUN_UUID", "5eed")
        patch.setenv("MODEL_PATH", str(directory / "model"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        train.main(["--input", str(processed), "--output", str(directory), "--rounds", "20"])
    return directory
