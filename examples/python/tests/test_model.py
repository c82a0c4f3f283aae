import contextlib
import json
from pathlib import Path

import pandas as pd
import pytest

from penguins import data, model, predict, train


def test_it_is_right_about_penguins_that_it_has_not_seen(outputs: Path, processed: Path) -> None:
    assert model.load(outputs / "model").judge(data.read(processed, "test"))["accuracy"] >= 0.95


def test_the_model_names_its_run_and_metrics(outputs: Path) -> None:
    about = json.loads((outputs / "model" / "model.json").read_text())
    metrics = json.loads((outputs / "metrics.json").read_text())
    assert about["run"] == "5eed"
    assert about["params"]["rounds"] == 20
    assert about["metrics"] == metrics
    assert set(metrics) == {"val_accuracy", "val_log_loss"}
    assert model.load(outputs / "model").about == about


def test_the_same_data_gives_the_same_model(outputs: Path, processed: Path, tmp_path: Path) -> None:
    options = ["--input", str(processed), "--output", str(tmp_path), "--model", str(tmp_path / "model")]
    train.main([*options, "--rounds", "20"])
    test = data.read(processed, "test")
    again, first = (model.load(directory / "model").predict(test) for directory in (tmp_path, outputs))
    pd.testing.assert_frame_equal(again, first)


def test_a_penguin_of_another_island_is_no_error(outputs: Path, processed: Path) -> None:
    penguins = data.read(processed, "test").head(1).assign(island="Elephant")
    assert model.load(outputs / "model").predict(penguins).iloc[0].sum() == pytest.approx(1)


def test_a_batch_has_each_prediction_and_its_run(outputs: Path, processed: Path, tmp_path: Path) -> None:
    predict.main(["--model", str(outputs / "model"), "--input", str(processed), "--output", str(tmp_path)])
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert len(predictions) == 69
    assert set(predictions["model_run"]) == {"5eed"}
    assert predictions["probability"].between(1 / 3, 1).all()


def test_mlflow_gets_params_and_metrics(processed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    logged: dict = {}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.invalid")
    monkeypatch.setattr(mlflow, "set_experiment", lambda name: logged.update(experiment=name))
    monkeypatch.setattr(mlflow, "start_run", contextlib.nullcontext)
    monkeypatch.setattr(mlflow, "log_params", logged.update)
    monkeypatch.setattr(mlflow, "log_metrics", logged.update)
    monkeypatch.setenv("MODEL_PATH", str(tmp_path / "model"))
    train.main(["--input", str(processed), "--output", str(tmp_path), "--max-depth", "2", "--rounds", "3"])
    assert logged["max_depth"] == 2
    assert logged["device"] == "cpu"
    assert logged["experiment"] == "penguins"
    assert logged["val_accuracy"] > 0.5
