"""Running an exported model with ONNX Runtime, in batches of similar length."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.encoding import Window

FILE_NAME = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("stance", "relevance", "toxicity", "spans")
# Tokens of a batch, padding included: enough to keep the cores busy, and few enough for the layers'
# states to stay in their caches (4096 took 1.6 times as long) and for little padding.
BATCH_TOKENS = 1024
# At most one in so many tokens of a batch may be padding: fewer would make batches so small that
# what a run costs whatever its size (as much as some 30 tokens on a CPU) outweighs it.
_PADDING = 16
# ONNX Runtime adds and normalises in one scalar loop on the CPU: its kernels for each of the two
# take a sixth of the time.
_SLOWER = ["SkipLayerNormFusion"]
CUDA_BATCH_TOKENS = 65_536  # a graphics card wants much at once

Device = Literal["cpu", "cuda"]
_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True, slots=True)
class Logits:
    """What the network says of n windows.

    Parameters
    ----------
    stance : array, shape (n, 3)
    relevance : array, shape (n,)
    toxicity : array, shape (n, 6)
    spans : list of n arrays
        One logit for each comment token of the window.
    """

    stance: NDArray[np.float32]
    relevance: NDArray[np.float32]
    toxicity: NDArray[np.float32]
    spans: list[NDArray[np.float32]]


class Runtime:
    """An ONNX Runtime session over a model file. Several threads may use it.

    Parameters
    ----------
    path : Path
        The model file.
    threads : int or None
        Threads of one matrix product; None lets ONNX Runtime take the physical cores.
    device : "cpu" or "cuda"
        What computes; nothing else ever takes its place.

    Raises
    ------
    ModelError
        The file is missing or is not a model of stance, or the device cannot be used.
    """

    def __init__(self, path: Path, threads: int | None = None, device: Device = "cpu") -> None:
        import onnxruntime

        if device not in get_args(Device):
            raise ModelError(f"device {device!r}: expected one of {', '.join(get_args(Device))}")
        provider = _PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise ModelError(
                f"device {device}: the installed ONNX Runtime {onnxruntime.__version__} has no "
                f"{provider}; install onnxruntime-gpu in place of onnxruntime, or use the cpu"
            )
        if not path.is_file():
            raise ModelError(f"{path}: no such file; expected a model folder with {FILE_NAME}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # One session serves batches of every shape: a plan and an arena per shape only cost memory.
        options.enable_mem_pattern = False
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=[provider],
                disabled_optimizers=_SLOWER if device == "cpu" else [],
            )
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {_one_line(error)}") from None
        # Where CUDA's own libraries are missing, ONNX Runtime takes the processor without a word.
        if self._session.get_providers()[0] != provider:
            raise ModelError(
                f"device {device}: ONNX Runtime cannot use it and would take "
                f"{self._session.get_providers()[0]}; check the driver and the CUDA libraries "
                "that onnxruntime-gpu needs, or use the cpu"
            )
        self._batch_tokens = CUDA_BATCH_TOKENS if device == "cuda" else BATCH_TOKENS
        self._lock = threading.Lock()
        found = [output.name for output in self._session.get_outputs()]
        if found != list(OUTPUTS):
            raise ModelError(
                f"{path}: a model that gives {found}; expected one of stance, which gives "
                f"{list(OUTPUTS)}"
            )

    def run(
        self, windows: Sequence[Window], progress: Callable[[float], None] | None = None
    ) -> Logits:
        """Return the logits of windows, in their order, whatever batches they were run in.

        Parameters
        ----------
        windows : sequence of Window
        progress : callable, optional
            Called after each batch with the share of all tokens that is done, 1 at the end.
        """
        stance = np.zeros((len(windows), len(STANCE_LABELS)), np.float32)
        relevance = np.zeros(len(windows), np.float32)
        toxicity = np.zeros((len(windows), len(TOXICITY_LABELS)), np.float32)
        spans: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(windows)
        tokens, done = sum(map(len, windows)), 0
        for places in batches([len(window) for window in windows], self._batch_tokens):
            batch = [windows[place] for place in places]
            inputs = _inputs(batch)
            with self._lock:  # one batch has all threads, however many callers there are
                outputs = self._session.run(OUTPUTS, inputs)
            stance[places], relevance[places], toxicity[places] = outputs[:3]
            for place, window, row in zip(places, batch, outputs[3], strict=True):
                first = window.comment_start
                spans[place] = row[first : first + len(window.offsets)].copy()
            if progress is not None:
                done += sum(map(len, batch))
                progress(done / tokens)
        return Logits(stance, relevance, toxicity, spans)


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group places by similar length, each group within `budget` when padded to its longest.

    Examples
    --------
    >>> batches([50, 10, 40, 10], budget=100)
    [[1, 3], [2], [0]]
    """
    groups: list[list[int]] = []
    padding = 0  # of the last group
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Places come by rising length, so this one is the longest of its group.
        if groups:
            group = groups[-1]
            padding += len(group) * (lengths[place] - lengths[group[-1]])
            if padding <= budget // _PADDING and (len(group) + 1) * lengths[place] <= budget:
                group.append(place)
                continue
        groups.append([place])
        padding = 0
    return groups


def _inputs(batch: Sequence[Window]) -> dict[str, Any]:
    length = max(len(window) for window in batch)
    shape = (len(batch), length)
    ids, mask, types = (np.zeros(shape, np.int64) for _ in range(3))
    for row, window in enumerate(batch):
        ids[row, : len(window)] = window.input_ids
        mask[row, : len(window)] = 1
        types[row, : len(window)] = window.token_type_ids
    return dict(zip(INPUTS, (ids, mask, types), strict=True))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
