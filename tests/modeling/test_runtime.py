from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import ModelError
from stance.modeling.runtime import Runtime, batches


@given(lengths=st.lists(st.integers(1, 300), max_size=80), budget=st.integers(300, 4096))
def test_batches_hold_each_place_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = batches(lengths, budget)
    assert sorted(place for group in groups for place in group) == list(range(len(lengths)))
    for group in groups:
        assert len(group) * max(lengths[place] for place in group) <= budget


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no such file; expected a model folder with model\.onnx"):
        Runtime(tmp_path / "model.onnx")


def test_a_broken_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model at all")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it") as caught:
        Runtime(tmp_path / "model.onnx")
    assert "\n" not in str(caught.value)
