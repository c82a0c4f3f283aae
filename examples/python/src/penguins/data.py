"""The columns of the data, and how the raw file becomes them."""

from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

NUMBERS = ["culmen_length_mm", "culmen_depth_mm", "flipper_length_mm", "body_mass_g"]
WORDS = ["island", "sex"]
FEATURES = NUMBERS + WORDS
TARGET = "species"
SPLITS = ("train", "val", "test")

_COLUMNS = {
    "Species": TARGET,
    "Island": "island",
    "Sex": "sex",
    "Culmen Length (mm)": "culmen_length_mm",
    "Culmen Depth (mm)": "culmen_depth_mm",
    "Flipper Length (mm)": "flipper_length_mm",
    "Body Mass (g)": "body_mass_g",
}


def clean(raw: pd.DataFrame) -> pd.DataFrame:
    """Returns the columns that a model uses, without penguins that nobody measured."""
    missing = sorted(set(_COLUMNS) - set(raw.columns))
    if missing:
        raise ValueError(f"the raw data has no column {', '.join(missing)}")
    data = raw[list(_COLUMNS)].rename(columns=_COLUMNS)
    # "Adelie Penguin (Pygoscelis adeliae)" becomes "Adelie".
    data[TARGET] = data[TARGET].str.split().str[0]
    data["sex"] = data["sex"].str.lower().fillna("unknown")
    return data.dropna(subset=[*NUMBERS, "island", TARGET]).reset_index(drop=True)


def split(data: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Returns 60% of the rows to train on, and 20% each to choose and to judge a model.

    Each part has the same share of every species.
    """
    train, rest = train_test_split(data, test_size=0.4, random_state=seed, stratify=data[TARGET])
    val, test = train_test_split(rest, test_size=0.5, random_state=seed, stratify=rest[TARGET])
    return dict(zip(SPLITS, (train, val, test), strict=True))


def read(directory: Path, name: str) -> pd.DataFrame:
    """Reads a part that prepare has written."""
    return pd.read_csv(directory / f"{name}.csv")
