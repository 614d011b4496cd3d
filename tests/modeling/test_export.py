from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is not installed")
import onnx

from stance.errors import ModelError
from stance.modeling.calibration import sigmoid, softmax
from stance.modeling.encoding import InputEncoder, Window
from stance.modeling.export import export, torch_logits
from stance.modeling.network import CommentModel
from stance.modeling.runtime import Logits, Runtime

TEXTS = ["You fool!", "Trams are good, cars are bad.", "", "close the street " * 12]


def test_the_exported_file_says_what_pytorch_says(tiny_model: Path) -> None:
    encoder = InputEncoder.from_folder(tiny_model, 160)
    [target] = encoder.tokenize(["trams"])
    windows = [encoder.pair(target, tokens)[0] for tokens in encoder.tokenize(TEXTS)]
    expected = torch_logits(CommentModel.load(tiny_model), windows)
    found = Runtime(tiny_model / "model.onnx").run(windows)
    assert np.abs(softmax(expected.stance) - softmax(found.stance)).max() < 0.02
    assert np.abs(sigmoid(expected.toxicity) - sigmoid(found.toxicity)).max() < 0.05
    assert [len(one) for one in expected.spans] == [len(one) for one in found.spans]


def test_every_product_and_the_token_table_are_stored_in_8_bits(tiny_model: Path) -> None:
    graph = onnx.load(tiny_model / "model.onnx").graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    in_float = [
        node.name
        for node in graph.node
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in constants
    ]
    assert in_float == []
    stored = [tensor for name, tensor in constants.items() if name.endswith("_int8")]
    # Two layers of six products, six in the heads, and the token table.
    assert len(stored) == 2 * 6 + 6 + 1
    assert {tensor.data_type for tensor in stored} == {onnx.TensorProto.INT8}


def test_an_export_that_says_something_else_is_refused_and_leaves_the_older_file(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.onnx").write_bytes(b"older")
    _turn_relevance_round(monkeypatch, slice(None))
    windows = _windows(tiny_model)
    with pytest.raises(ModelError, match="the 8-bit export differs from PyTorch"):
        export(CommentModel.load(tiny_model), tmp_path, windows)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == b"older"


def test_a_window_on_the_edge_of_two_classes_does_not_cost_the_export(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _turn_relevance_round(monkeypatch, slice(1))
    parity = export(CommentModel.load(tiny_model), tmp_path, _windows(tiny_model) * 20)
    assert parity.int8["relevance"] > 0.1
    assert parity.int8_mean["relevance"] < 0.02
    assert (tmp_path / "model.onnx").exists()


def _windows(model: Path) -> list[Window]:
    encoder = InputEncoder.from_folder(model, 160)
    return [encoder.single(tokens)[0] for tokens in encoder.tokenize(TEXTS)]


def _turn_relevance_round(monkeypatch: pytest.MonkeyPatch, moved: slice) -> None:
    """Have the 8-bit file say the contrary of some windows' relevance."""

    class Turned(Runtime):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self._sign = 1 if "float32" in path.name else -1

        def run(
            self, windows: Sequence[Window], progress: Callable[[float], None] | None = None
        ) -> Logits:
            logits = super().run(windows, progress)
            logits.relevance[moved] *= self._sign
            return logits

    monkeypatch.setattr("stance.modeling.export.Runtime", Turned)


def test_no_path_of_the_training_machine_is_in_the_file(tiny_model: Path) -> None:
    content = (tiny_model / "model.onnx").read_bytes()
    assert b".py" not in content
    assert str(Path(__file__).parents[2]).encode() not in content


def test_no_partial_file_is_left(tiny_model: Path) -> None:
    assert sorted(path.name for path in tiny_model.iterdir()) == [
        "calibration.json",
        "config.json",
        "model.onnx",
        "model.safetensors",
        "tokenizer.json",
    ]
