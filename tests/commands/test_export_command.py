"""`stance export`: what it writes, prints and refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is not installed")
import onnx

from stance import Analyzer
from stance.cli import main

TEXTS = ["you fool", "trams are good", "close the street " * 90, ""]


def weights(folder: Path) -> set[int]:
    """Return the types of all weights that are larger than a vector, but for positions."""
    graph = onnx.load(folder / "model.onnx").graph
    types = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) > 1}
    return types - {onnx.TensorProto.INT64}


def scores(folder: Path) -> np.ndarray:
    predictions = Analyzer(folder, threads=1).predict(TEXTS, [["trams"]] * len(TEXTS))
    return np.array(
        [[*p.toxicity.values(), p.stance[0].favor, p.stance[0].relevance] for p in predictions]
    )


def test_a_copy_in_float32_scores_as_the_checkpoint_does(
    tiny_model: Path, tmp_path: Path, capfd: Any
) -> None:
    exact, again = tmp_path / "exact", tmp_path / "again"
    assert main(["export", str(tiny_model), "--float32", "--out", str(exact)]) == 0
    shown = capfd.readouterr()
    assert shown.out == f"{exact}\n"
    assert shown.err.startswith("stance: largest difference of a probability from PyTorch: ")
    assert float(shown.err.split()[-1]) < 1e-5
    assert weights(exact) == {onnx.TensorProto.FLOAT}
    assert onnx.TensorProto.INT8 in weights(tiny_model)
    for name in ("tokenizer.json", "calibration.json", "model.safetensors"):
        assert (exact / name).read_bytes() == (tiny_model / name).read_bytes()
    # 8-bit weights are near the same scores, and never the same.
    assert 1e-6 < np.abs(scores(exact) - scores(tiny_model)).max() < 0.1
    assert main(["export", str(exact), "--out", str(again)]) == 0
    assert np.abs(scores(again) - scores(tiny_model)).max() < 1e-6
    assert {path.name for path in tmp_path.iterdir()} == {"exact", "again"}


def test_what_is_there_is_never_overwritten(tiny_model: Path, tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for folder, message in (
        (tmp_path / "mine", "there is something already; name a new folder"),
        (tiny_model, "the model is there; name another folder"),
        (tmp_path / "no" / "such", f"the folder {tmp_path}/no does not exist; create it first"),
    ):
        assert main(["export", str(tiny_model), "--float32", "--out", str(folder)]) == 2
        assert capfd.readouterr().err == f"stance: cannot write {folder}: {message}\n"
    assert main(["export", str(tmp_path / "gone"), "--float32", "--out", str(tmp_path / "x")]) == 2
    assert "no such folder; expected a model folder" in capfd.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"mine"}


def test_an_export_that_differs_is_refused_and_nothing_is_left(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr("stance.modeling.export._FLOAT32_TOLERANCE", -1.0)
    assert main(["export", str(tiny_model), "--float32", "--out", str(tmp_path / "exact")]) == 2
    assert "the float32 export differs from PyTorch" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []
