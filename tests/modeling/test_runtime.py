from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import ModelError
from stance.modeling.runtime import Runtime, batches
from stance.scoring.analyzer import DEFAULT_MODEL


@given(lengths=st.lists(st.integers(1, 300), max_size=80), budget=st.integers(300, 4096))
def test_batches_hold_each_place_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = batches(lengths, budget)
    assert sorted(place for group in groups for place in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) * max(lengths[place] for place in group) <= budget


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no such file; expected a model folder with model\.onnx"):
        Runtime(tmp_path / "model.onnx")


def test_a_model_of_something_else_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="training is not installed")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [value("x", 1, [1])],
        [value("y", 1, [1])],
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "model.onnx"
    )
    with pytest.raises(ModelError, match=r"a model that gives \['y'\]; expected one of stance"):
        Runtime(tmp_path / "model.onnx")


def test_a_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model at all")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it") as caught:
        Runtime(tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)


def test_a_device_that_cannot_be_used_is_an_error_and_never_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import onnxruntime

    model = DEFAULT_MODEL / "model.onnx"
    with pytest.raises(ModelError, match="device 'tpu': expected one of cpu, cuda"):
        Runtime(model, device="tpu")  # type: ignore[arg-type]
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(ModelError, match="has no CUDAExecutionProvider; install onnxruntime-gpu"):
        Runtime(model, device="cuda")
    # As where the package has CUDA, but its libraries or the driver are missing.
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(ModelError, match="cannot use it and would take CPUExecutionProvider;"),
    ):
        Runtime(model, device="cuda")
