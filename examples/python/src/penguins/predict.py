"""Predicts for a batch of penguins: python -m penguins.predict"""

import argparse
import os
from pathlib import Path

from penguins import data, model


def main(argv: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", type=Path, default=os.environ.get("MODEL_PATH", "outputs/model"))
    options.add_argument("--input", type=Path, default=os.environ.get("INPUT_DATA_DIR", "data/processed"))
    options.add_argument("--output", type=Path, default=os.environ.get("OUTPUT_DATA_DIR", "predictions"))
    args = options.parse_args(argv)

    trained = model.load(args.model)
    penguins = data.read(args.input, "test")
    probabilities = trained.predict(penguins)
    penguins["predicted"] = probabilities.idxmax(axis="columns")
    penguins["probability"] = probabilities.max(axis="columns").round(4)
    penguins["model_run"] = trained.about["run"]
    args.output.mkdir(parents=True, exist_ok=True)
    penguins.to_csv(args.output / "predictions.csv", index=False)
    right = (penguins["predicted"] == penguins[data.TARGET]).mean()
    made_by = trained.about["run"] or "unknown"
    print(f"{len(penguins)} penguins, {right:.1%} right, by the model of run {made_by}", flush=True)


if __name__ == "__main__":
    main()
