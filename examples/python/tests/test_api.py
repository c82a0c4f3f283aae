from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from penguins import api

ADELIE = {
    "culmen_length_mm": 39.1, "culmen_depth_mm": 18.7, "flipper_length_mm": 181, "body_mass_g": 3750,
    "island": "Torgersen", "sex": "male",
}
GENTOO = {**ADELIE, "culmen_depth_mm": 15, "flipper_length_mm": 220, "body_mass_g": 5200, "island": "Biscoe"}


@pytest.fixture
def client(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("MODEL_PATH", str(outputs / "model"))
    monkeypatch.setenv("API_KEY", "the key")
    api.served.cache_clear()
    yield TestClient(api.app, headers={"X-API-Key": "the key"})
    api.served.cache_clear()


def test_it_tells_the_species_and_the_run(client: TestClient) -> None:
    answer = client.post("/predict", json=[ADELIE, GENTOO])
    assert answer.status_code == 200
    assert answer.json()["run"] == "5eed"
    assert [p["species"] for p in answer.json()["predictions"]] == ["Adelie", "Gentoo"]
    assert sum(answer.json()["predictions"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("key", [None, "", "another key", "ключ".encode()])
def test_it_refuses_who_has_no_key(client: TestClient, key: str | bytes | None) -> None:
    client.headers.pop("X-API-Key")
    headers = {} if key is None else {"X-API-Key": key}
    assert client.post("/predict", json=[ADELIE], headers=headers).status_code == 401
    assert client.get("/model", headers=headers).status_code == 401
    assert client.get("/health", headers=headers).json() == {"status": "ok", "run": "5eed"}


@pytest.mark.parametrize("wrong", [{"island": "Atlantis"}, {"body_mass_g": -1}, {"culmen_depth_mm": "deep"}])
def test_it_refuses_what_is_no_penguin(client: TestClient, wrong: dict) -> None:
    answer = client.post("/predict", json=[{**ADELIE, **wrong}])
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == next(iter(wrong))
