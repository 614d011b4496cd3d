"""From a checkpoint to the file that scoring loads: ONNX with 8-bit weights, checked for parity.

Only weights are quantised. Products run in ONNX Runtime's MatMulNBits, which takes the scale of
an activation from its own row, so a score never depends on what else is in the batch.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from stance.modeling.encoding import Window
from stance.modeling.network import CommentModel
from stance.modeling.runtime import FILE_NAME, Logits, Runtime

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("stance", "relevance", "toxicity", "spans")
_OPSET = 18
_BLOCK = 128  # weights that share a scale
_INT8_COMPUTE = 4  # MatMulNBits' accuracy level: products in 8 bits where the processor can


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an exported model's logits are from PyTorch's on the same windows.

    Parameters
    ----------
    windows : int
        How many were compared.
    float32, int8 : mapping of head to the largest absolute difference of a probability
    quantised_products, float_products : int
        Matrix products with a constant weight, by the type of that weight.
    bytes : int
        Size of the quantised file.
    """

    windows: int
    float32: dict[str, float]
    int8: dict[str, float]
    quantised_products: int
    float_products: int
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
    """
    exact = folder / "model-float32.onnx.tmp"
    partial = folder / (FILE_NAME + ".tmp")
    to_onnx(model, exact)
    quantised = quantise(onnx.load(exact))
    onnx.save(quantised, partial)
    expected = torch_logits(model, windows)
    parity = Parity(
        windows=len(windows),
        float32=_difference(expected, Runtime(exact).run(windows)),
        int8=_difference(expected, Runtime(partial).run(windows)),
        quantised_products=_count(quantised, "MatMulNBits"),
        float_products=_count_float_products(quantised),
        bytes=partial.stat().st_size,
    )
    partial.replace(folder / FILE_NAME)
    exact.unlink()
    return parity


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
    """Return the model with 8-bit weights in its matrix products and its token embedding."""
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    _split_gemms(model.graph)
    _quantise_embedding(model.graph)
    quantizer = MatMulNBitsQuantizer(
        model,
        bits=8,
        block_size=_BLOCK,
        is_symmetric=True,
        accuracy_level=_INT8_COMPUTE,
    )
    with _quiet():
        quantizer.process()
    result: onnx.ModelProto = quantizer.model.model
    _drop_unused(result.graph)
    return result


def _split_gemms(graph: onnx.GraphProto) -> None:
    """Write each Gemm with a constant weight as MatMul and Add: the quantiser knows only those."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "Gemm" or node.input[1] not in constants:
            nodes.append(node)
            continue
        transposed = any(item.name == "transB" and item.i == 1 for item in node.attribute)
        weight = numpy_helper.to_array(constants[node.input[1]])
        name = f"{node.input[1]}_columns"
        columns = np.ascontiguousarray(weight.T if transposed else weight)
        graph.initializer.append(numpy_helper.from_array(columns, name))
        product = f"{node.output[0]}_product"
        nodes.append(helper.make_node("MatMul", [node.input[0], name], [product], f"{name}_MatMul"))
        nodes.append(
            helper.make_node("Add", [product, node.input[2]], list(node.output), f"{name}_Add")
        )
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)


def _quantise_embedding(graph: onnx.GraphProto) -> None:
    """Store the largest gathered table as int8 rows, each with its own scale."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    gathers = [
        node for node in graph.node if node.op_type == "Gather" and node.input[0] in constants
    ]
    gather = max(gathers, key=lambda node: int(np.prod(constants[node.input[0]].dims)))
    table = numpy_helper.to_array(constants[gather.input[0]])
    scales = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, 1e-12)
    rows = np.rint(table / scales).astype(np.int8)
    name, ids, output = gather.input[0], gather.input[1], gather.output[0]
    graph.initializer.extend(
        [
            numpy_helper.from_array(rows, f"{name}_int8"),
            numpy_helper.from_array(scales.astype(np.float32), f"{name}_scales"),
        ]
    )
    replacement = [
        helper.make_node("Gather", [f"{name}_int8", ids], [f"{output}_int8"]),
        helper.make_node("Cast", [f"{output}_int8"], [f"{output}_float"], to=1),
        helper.make_node("Gather", [f"{name}_scales", ids], [f"{output}_scales"]),
        helper.make_node("Mul", [f"{output}_float", f"{output}_scales"], [output]),
    ]
    place = list(graph.node).index(gather)
    nodes = [*graph.node[:place], *replacement, *graph.node[place + 1 :]]
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _count(model: onnx.ModelProto, operator: str) -> int:
    return sum(node.op_type == operator for node in model.graph.node)


def _count_float_products(model: onnx.ModelProto) -> int:
    constants = {tensor.name for tensor in model.graph.initializer}
    return sum(
        node.op_type in ("MatMul", "Gemm") and node.input[1] in constants
        for node in model.graph.node
    )


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


def _difference(expected: Logits, found: Logits) -> dict[str, float]:
    from stance.modeling.calibration import sigmoid, softmax

    spans = [np.concatenate(logits.spans) for logits in (expected, found)]
    pairs = {
        "stance": (softmax(expected.stance), softmax(found.stance)),
        "relevance": (sigmoid(expected.relevance), sigmoid(found.relevance)),
        "toxicity": (sigmoid(expected.toxicity), sigmoid(found.toxicity)),
        "spans": (sigmoid(spans[0]), sigmoid(spans[1])),
    }
    return {name: float(np.abs(one - other).max()) for name, (one, other) in pairs.items()}
