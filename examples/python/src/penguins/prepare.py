"""Turns the raw file into data to train on: python -m penguins.prepare"""

import argparse
import os
from pathlib import Path

import pandas as pd

from penguins import data


def main(argv: list[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--input", type=Path, default=os.environ.get("INPUT_DATA_DIR", "data/raw"))
    options.add_argument("--output", type=Path, default=os.environ.get("OUTPUT_DATA_DIR", "data/processed"))
    options.add_argument("--seed", type=int, default=7)
    args = options.parse_args(argv)

    raw = pd.read_csv(args.input / "penguins-raw.csv")
    cleaned = data.clean(raw)
    print(f"{len(raw)} penguins, of which {len(cleaned)} were measured", flush=True)
    args.output.mkdir(parents=True, exist_ok=True)
    for name, part in data.split(cleaned, args.seed).items():
        part.to_csv(args.output / f"{name}.csv", index=False)
        print(f"{name}: {len(part)} rows", flush=True)


if __name__ == "__main__":
    main()
