"""Running an exported model with ONNX Runtime, in batches of similar length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.encoding import Window

FILE_NAME = "model.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("stance", "relevance", "toxicity", "spans")
# Tokens of a batch, padding included: enough to keep two cores busy, little enough for memory.
BATCH_TOKENS = 4096


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
    """An ONNX Runtime session over a model file, on the CPU.

    Parameters
    ----------
    path : Path
        The model file.
    threads : int or None
        Threads of one matrix product; None lets ONNX Runtime take the physical cores.

    Raises
    ------
    ModelError
        The file is missing or is not a model of stance.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        import onnxruntime

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
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {_one_line(error)}") from None
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
        for places in batches([len(window) for window in windows], BATCH_TOKENS):
            batch = [windows[place] for place in places]
            outputs = self._session.run(OUTPUTS, _inputs(batch))
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
    >>> batches([5, 1, 4, 1], budget=10)
    [[1, 3], [2, 0]]
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        # Places come by rising length, so this one is the longest of its group.
        if (
            groups
            and (len(groups[-1]) + 1) * lengths[place] <= budget
            and not _much_longer(lengths[place], lengths[groups[-1][0]])
        ):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _much_longer(length: int, shortest: int) -> bool:
    """Tell whether padding the shortest of a group to `length` would waste most of its work."""
    return length > 2 * shortest + 8


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
