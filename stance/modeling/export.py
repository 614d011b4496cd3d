"""From a checkpoint to the file that scoring loads: ONNX with 8-bit weights, checked for parity.

Only weights are stored in 8 bits. ONNX Runtime turns those of matrix products back into float32
when it loads the file, and computes in float32: with 8-bit activations a rounding that depends on
the padding of a batch moves a probability by as much as 0.002, and products in 8 bits were not
faster on the processors at hand.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn

from stance.errors import ModelError
from stance.modeling.encoding import Window
from stance.modeling.network import CommentModel
from stance.modeling.runtime import FILE_NAME, INPUTS, OUTPUTS, Logits, Runtime

_OPSET = 18
# How far from PyTorch's a file's probabilities may be: each of them, and with 8-bit weights their
# mean, since of hundreds of windows a few on the edge of two classes may move by 0.1 (measured: a
# mean of 0.001 to 0.003).
_FLOAT32_TOLERANCE = 1e-3
_INT8_MEAN_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported model's logits are from PyTorch's on the same windows.

    Parameters
    ----------
    windows : int
        How many were compared.
    float32, int8 : mapping of head to the largest absolute difference of a probability
    int8_mean : mapping of head to the mean of those differences
    int8_share : float
        Share of the weights, by number, that are stored in 8 bits.
    bytes : int
        Size of the quantised file.
    """

    windows: int
    float32: dict[str, float]
    int8: dict[str, float]
    int8_mean: dict[str, float]
    int8_share: float
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `metrics.json`."""
        return asdict(self)


def export(model: CommentModel, folder: Path, windows: Sequence[Window]) -> Parity:
    """Write `model.onnx` with 8-bit weights into a model folder.

    Parameters
    ----------
    model : CommentModel
    folder : Path
    windows : sequence of Window
        Inputs on which the file is compared with PyTorch.

    Returns
    -------
    Parity

    Raises
    ------
    ModelError
        The exported file says something else than PyTorch; an older file stays as it is.
    """
    exact = folder / "model-float32.onnx.tmp"
    partial = folder / (FILE_NAME + ".tmp")
    try:
        to_onnx(model, exact)
        quantised = quantise(onnx.load(exact))
        onnx.save(quantised, partial)
        expected = torch_logits(model, windows)
        in_8_bits = _differences(expected, Runtime(partial).run(windows))
        parity = Parity(
            windows=len(windows),
            float32=_largest(_differences(expected, Runtime(exact).run(windows))),
            int8=_largest(in_8_bits),
            int8_mean={head: float(values.mean()) for head, values in in_8_bits.items()},
            int8_share=_int8_share(quantised),
            bytes=partial.stat().st_size,
        )
        _refuse_a_difference("float32", parity.float32, _FLOAT32_TOLERANCE)
        _refuse_a_difference("8-bit", parity.int8_mean, _INT8_MEAN_TOLERANCE)
        partial.replace(folder / FILE_NAME)
    finally:
        exact.unlink(missing_ok=True)
        partial.unlink(missing_ok=True)
    return parity


def export_float32(
    model: CommentModel, folder: Path, windows: Sequence[Window]
) -> dict[str, float]:
    """Write `model.onnx` in float32 into a model folder.

    Parameters
    ----------
    model, folder, windows
        As for `export`.

    Returns
    -------
    dict of head to the largest difference of a probability from PyTorch

    Raises
    ------
    ModelError
        The exported file says something else than PyTorch; an older file stays as it is.
    """
    exact = folder / (FILE_NAME + ".tmp")
    try:
        to_onnx(model, exact)
        exported = onnx.load(exact)
        _drop_traces(exported.graph)
        onnx.save(exported, exact)
        found = _largest(_differences(torch_logits(model, windows), Runtime(exact).run(windows)))
        _refuse_a_difference("float32", found, _FLOAT32_TOLERANCE)
        exact.replace(folder / FILE_NAME)
    finally:
        exact.unlink(missing_ok=True)
    return found


def _refuse_a_difference(name: str, found: Mapping[str, float], tolerance: float) -> None:
    if not max(found.values()) <= tolerance:  # NaN is refused too
        raise ModelError(
            f"the {name} export differs from PyTorch by {found}; expected at most "
            f"{tolerance}: the exporter does not know this encoder"
        )


class _Positional(nn.Module):
    """The model with inputs and outputs in the order of INPUTS and OUTPUTS."""

    def __init__(self, model: CommentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> tuple[Tensor, ...]:
        output = self.model(ids, mask, types)
        return tuple(output[name] for name in OUTPUTS)


def to_onnx(model: CommentModel, path: Path) -> None:
    """Write a model as ONNX in float32, for any number and length of windows."""
    model.eval()
    # Eager attention exports as plain products; fused kernels may not export at all.
    model.encoder.set_attn_implementation("eager")
    dims = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    example = (
        torch.randint(1, 100, (3, 17)),
        torch.ones(3, 17, dtype=torch.long),
        torch.zeros(3, 17, dtype=torch.long),
    )
    with _quiet():
        torch.onnx.export(
            _Positional(model),
            example,
            str(path),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_shapes=(dims, dims, dims),
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
        )


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep progress of the exporters out of the terminal; what they raise still comes through."""
    below = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(below)


def quantise(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with 8-bit weights in its matrix products and its token embedding.

    Each weight is an integer times the scale of its row of the embedding, or of its output of a
    product.
    """
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    first: list[onnx.NodeProto] = []
    rest: list[onnx.NodeProto] = []
    embedding = _largest_gather(graph, constants)
    for node in graph.node:
        if node.name == embedding.name:
            rest += _gather_rows(node, graph, constants[node.input[0]])
        else:
            if _is_product(node, constants):
                first += _restore_weights(node, graph, constants[node.input[1]])
            rest.append(node)
    del graph.node[:]
    graph.node.extend([*first, *rest])
    _drop_unused(graph)
    _drop_traces(graph)
    onnx.checker.check_model(model)
    return model


def _is_product(node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> bool:
    return node.op_type in ("MatMul", "Gemm") and node.input[1] in constants


def _largest_gather(
    graph: onnx.GraphProto, constants: Mapping[str, onnx.TensorProto]
) -> onnx.NodeProto:
    """Return the look-up in the largest table, which is that of the token embedding."""
    gathers = [
        node for node in graph.node if node.op_type == "Gather" and node.input[0] in constants
    ]
    sizes = [int(np.prod(constants[node.input[0]].dims)) for node in gathers]
    largest: onnx.NodeProto = gathers[sizes.index(max(sizes))]
    return largest


def _restore_weights(
    node: onnx.NodeProto, graph: onnx.GraphProto, weights: onnx.TensorProto
) -> list[onnx.NodeProto]:
    """Store a product's weights in 8 bits and return the nodes that make them float32 again."""
    transposed = any(item.name == "transB" and item.i == 1 for item in node.attribute)
    integers, scales = _store_int8(graph, weights, axis=1 if transposed else 0)
    restored = f"{weights.name}_restored"
    node.input[1] = restored
    return [
        helper.make_node("Cast", [integers], [f"{integers}_float"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", [f"{integers}_float", scales], [restored]),
    ]


def _gather_rows(
    node: onnx.NodeProto, graph: onnx.GraphProto, table: onnx.TensorProto
) -> list[onnx.NodeProto]:
    """Store a table in 8 bits and return nodes that make only the rows looked up float32."""
    integers, scales = _store_int8(graph, table, axis=1)
    ids, output = node.input[1], node.output[0]
    return [
        helper.make_node("Gather", [integers, ids], [f"{output}_int8"]),
        helper.make_node(
            "Cast", [f"{output}_int8"], [f"{output}_float"], to=onnx.TensorProto.FLOAT
        ),
        helper.make_node("Gather", [scales, ids], [f"{output}_scales"]),
        helper.make_node("Mul", [f"{output}_float", f"{output}_scales"], [output]),
    ]


def _store_int8(graph: onnx.GraphProto, tensor: onnx.TensorProto, axis: int) -> tuple[str, str]:
    """Add a matrix as int8 with one scale for what shares a place off `axis`; return both names."""
    matrix = numpy_helper.to_array(tensor)
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True) / 127, 1e-12)
    names = f"{tensor.name}_int8", f"{tensor.name}_scales"
    stored = np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)
    graph.initializer.extend(map(numpy_helper.from_array, stored, names))
    return names


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _drop_traces(graph: onnx.GraphProto) -> None:
    """Forget the lines of code and the paths that the exporter notes down for each node."""
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
        item.ClearField("doc_string")
    del graph.metadata_props[:]


def _int8_share(model: onnx.ModelProto) -> float:
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
    kept = sum(size for name, size in sizes.items() if name.endswith("_int8"))
    return kept / sum(sizes.values())


def torch_logits(model: CommentModel, windows: Sequence[Window]) -> Logits:
    """Return PyTorch's logits of windows, one window at a time so that nothing is padded."""
    rows = []
    with torch.inference_mode():
        for window in windows:
            ids = torch.tensor([window.input_ids])
            output = model(ids, torch.ones_like(ids), torch.tensor([window.token_type_ids]))
            rows.append({name: value[0].numpy() for name, value in output.items()})
    return Logits(
        stance=np.stack([row["stance"] for row in rows]),
        relevance=np.stack([row["relevance"] for row in rows]),
        toxicity=np.stack([row["toxicity"] for row in rows]),
        spans=[
            row["spans"][window.comment_start : window.comment_start + len(window.offsets)]
            for row, window in zip(rows, windows, strict=True)
        ],
    )


def _differences(expected: Logits, found: Logits) -> dict[str, NDArray[np.float32]]:
    """Return by head how far each probability is from the one expected."""
    from stance.modeling.calibration import sigmoid, softmax

    spans = [np.concatenate(logits.spans) for logits in (expected, found)]
    pairs = {
        "stance": (softmax(expected.stance), softmax(found.stance)),
        "relevance": (sigmoid(expected.relevance), sigmoid(found.relevance)),
        "toxicity": (sigmoid(expected.toxicity), sigmoid(found.toxicity)),
        "spans": (sigmoid(spans[0]), sigmoid(spans[1])),
    }
    return {name: np.abs(one - other) for name, (one, other) in pairs.items()}


def _largest(differences: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    return {head: float(values.max()) for head, values in differences.items()}
