"""Trains a model and says how good it is: python -m penguins.train"""

import argparse
import dataclasses
import json
import os
from pathlib import Path

from penguins import data, model, tracking


def main(argv: list[str] | None = None) -> None:
    defaults = model.Params()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--input", type=Path, default=os.environ.get("INPUT_DATA_DIR", "data/processed"))
    options.add_argument("--output", type=Path, default=os.environ.get("OUTPUT_DIR", "outputs"))
    options.add_argument("--model", type=Path, default=os.environ.get("MODEL_PATH", "outputs/model"))
    options.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    options.add_argument("--max-depth", type=int, default=defaults.max_depth)
    options.add_argument("--rounds", type=int, default=defaults.rounds)
    options.add_argument("--seed", type=int, default=defaults.seed)
    args = options.parse_args(argv)
    params = model.Params(args.learning_rate, args.max_depth, args.rounds, args.seed)

    with tracking.run({**dataclasses.asdict(params), "device": args.device}) as log:
        trained = model.fit(data.read(args.input, "train"), params, args.device)
        metrics = {f"val_{name}": value for name, value in trained.judge(data.read(args.input, "val")).items()}
        log(metrics)

    # The run that made a model stands in the model, so that whoever serves it can name it.
    about = {**trained.about, "run": os.environ.get("RUN_UUID", ""), "metrics": metrics}
    for place in {args.model, args.output / "model"}:  # for what serves it, and for the bucket
        dataclasses.replace(trained, about=about).save(place)
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "metrics.json").write_text(json.dumps(metrics))
    print(*(f"{name} {value:.4f}" for name, value in metrics.items()), flush=True)


if __name__ == "__main__":
    main()
