from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).parent.parent / "src" / "penguins" / "page.py"


def test_it_predicts_what_the_sliders_say(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PATH", str(outputs / "model"))
    page = AppTest.from_file(str(PAGE), default_timeout=30).run()
    assert not page.exception
    assert page.header[0].value.startswith("Adelie")
    assert "Model of run 5eed: val_accuracy" in page.caption[0].value
    page.selectbox[0].set_value("Biscoe")
    page.slider[1].set_value(15.0)
    page.slider[2].set_value(220)
    page.slider[3].set_value(5200)
    assert page.run().header[0].value.startswith("Gentoo")
