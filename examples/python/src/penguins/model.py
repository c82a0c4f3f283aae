"""The model: how it is made, judged, kept and read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

from penguins import data


@dataclass(frozen=True)
class Params:
    """What a search may change."""

    learning_rate: float = 0.1
    max_depth: int = 3
    rounds: int = 100
    seed: int = 7


@dataclass(frozen=True)
class Model:
    """A fitted pipeline, the names of its classes, and where it is from."""

    pipeline: Pipeline
    species: list[str]
    about: dict

    def predict(self, penguins: pd.DataFrame) -> pd.DataFrame:
        """Returns the probability of each species, one row for each penguin."""
        probabilities = self.pipeline.predict_proba(penguins[data.FEATURES])
        return pd.DataFrame(probabilities, columns=self.species, index=penguins.index)

    def judge(self, penguins: pd.DataFrame) -> dict[str, float]:
        """Returns how well it tells penguins whose species is known."""
        probabilities = self.predict(penguins)
        truth = penguins[data.TARGET]
        return {
            "accuracy": float(accuracy_score(truth, probabilities.idxmax(axis="columns"))),
            "log_loss": float(log_loss(truth, probabilities.to_numpy(), labels=self.species)),
        }

    def save(self, directory: Path) -> None:
        """Writes the model, and beside it what people want to know of it."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "model.json").write_text(json.dumps(self.about, indent=2) + "\n")
        partial = directory / ".model.joblib"
        joblib.dump({"pipeline": self.pipeline, "species": self.species, "about": self.about}, partial)
        os.replace(partial, directory / "model.joblib")  # who reads it meanwhile finds a whole model


def fit(penguins: pd.DataFrame, params: Params, device: str = "cpu") -> Model:
    """Trains a model on the CPU, or with the device "cuda" on a GPU."""
    species = sorted(penguins[data.TARGET].unique())
    words = [("words", OneHotEncoder(handle_unknown="ignore"), data.WORDS)]
    pipeline = Pipeline([
        ("features", ColumnTransformer(words, remainder="passthrough", sparse_threshold=0)),
        ("trees", XGBClassifier(
            n_estimators=params.rounds, max_depth=params.max_depth, learning_rate=params.learning_rate,
            random_state=params.seed, device=device, n_jobs=1,
        )),
    ])
    pipeline.fit(penguins[data.FEATURES], penguins[data.TARGET].map(species.index))
    return Model(pipeline, species, {"params": asdict(params), "device": device})


def load(directory: Path) -> Model:
    """Reads a model. It is a pickle: read none of a stranger."""
    kept = joblib.load(directory / "model.joblib")
    return Model(**kept)
