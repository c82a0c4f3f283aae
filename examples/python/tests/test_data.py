from pathlib import Path

import pandas as pd
import pytest

from penguins import data, prepare

LENGTHS = ["Culmen Length", "Culmen Depth", "Flipper Length"]


def test_every_measured_penguin_is_in_one_part(processed: Path) -> None:
    parts = [data.read(processed, name) for name in data.SPLITS]
    assert [len(part) for part in parts] == [205, 68, 69]
    for part in parts:
        assert set(part[data.TARGET]) == {"Adelie", "Chinstrap", "Gentoo"}
        assert set(part["sex"]) <= {"female", "male", "unknown"}
        assert not part.isna().any(axis=None)


def test_the_same_seed_gives_the_same_parts(processed: Path, tmp_path: Path) -> None:
    raw = Path(__file__).parent.parent / "data" / "raw"
    prepare.main(["--input", str(raw), "--output", str(tmp_path)])
    for name in data.SPLITS:
        assert (tmp_path / f"{name}.csv").read_bytes() == (processed / f"{name}.csv").read_bytes()


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"no column Body Mass \(g\), Sex$"):
        data.clean(pd.DataFrame(columns=["Species", "Island", *(f"{name} (mm)" for name in LENGTHS)]))
