"""A page to try the model with: streamlit run src/penguins/page.py"""

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from penguins import model


@st.cache_resource
def served(directory: str, changed: float) -> model.Model:
    """The model, which is read again when its file has changed."""
    return model.load(Path(directory))


directory = os.environ.get("MODEL_PATH", "outputs/model")
trained = served(directory, (Path(directory) / "model.joblib").stat().st_mtime)

st.title("Which penguin is it?")
left, right = st.columns(2)
penguin = pd.DataFrame([{
    "culmen_length_mm": left.slider("Culmen length (mm)", 32.0, 60.0, 39.1),
    "culmen_depth_mm": left.slider("Culmen depth (mm)", 13.0, 22.0, 18.7),
    "flipper_length_mm": left.slider("Flipper length (mm)", 170, 235, 181),
    "body_mass_g": right.slider("Body mass (g)", 2700, 6300, 3750, step=50),
    "island": right.selectbox("Island", ["Torgersen", "Biscoe", "Dream"]),
    "sex": right.selectbox("Sex", ["unknown", "female", "male"]),
}])
probabilities = trained.predict(penguin).iloc[0]

st.header(f"{probabilities.idxmax()}, {probabilities.max():.0%}")
st.bar_chart(probabilities, horizontal=True)
metrics = ", ".join(f"{name} {value:.3f}" for name, value in trained.about["metrics"].items())
st.caption(f"Model of run {trained.about['run'] or 'unknown'}: {metrics}")
