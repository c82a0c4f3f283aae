"""Answers with a model over HTTP: uvicorn penguins.api:app"""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field

from penguins import model

app = FastAPI(title="Penguins", description="Tells the species of a penguin from its measurements.")
header = APIKeyHeader(name="X-API-Key", auto_error=False)


class Penguin(BaseModel):
    culmen_length_mm: float = Field(gt=0, examples=[39.1])
    culmen_depth_mm: float = Field(gt=0, examples=[18.7])
    flipper_length_mm: float = Field(gt=0, examples=[181])
    body_mass_g: float = Field(gt=0, examples=[3750])
    island: Literal["Biscoe", "Dream", "Torgersen"]
    sex: Literal["female", "male", "unknown"] = "unknown"


class Prediction(BaseModel):
    species: str
    probabilities: dict[str, float]


class Answer(BaseModel):
    run: str = Field(description="The run that made the model")
    predictions: list[Prediction]


@cache
def served() -> model.Model:
    """The model, which is read once."""
    return model.load(Path(os.environ.get("MODEL_PATH", "outputs/model")))


def authorized(given: Annotated[str | None, Depends(header)]) -> None:
    """Refuses a request without the key in API_KEY. Without the variable nobody is refused."""
    want = os.environ.get("API_KEY", "")
    if want and not secrets.compare_digest((given or "").encode(), want.encode()):
        raise HTTPException(401, "the header X-API-Key has no valid key")


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok", "run": served().about["run"]}


@app.get("/model", dependencies=[Depends(authorized)])
def about() -> dict:
    """Which run made the model, with its params and metrics."""
    return served().about


@app.post("/predict", dependencies=[Depends(authorized)])
def predict(penguins: Annotated[list[Penguin], Field(min_length=1, max_length=1000)]) -> Answer:
    probabilities = served().predict(pd.DataFrame([p.model_dump() for p in penguins]))
    return Answer(run=served().about["run"], predictions=[
        Prediction(species=str(row.idxmax()), probabilities={k: round(float(v), 4) for k, v in row.items()})
        for _, row in probabilities.iterrows()
    ])
