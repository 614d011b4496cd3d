"""One process of the speed benchmark: loads one contender, scores made-up comments, says how fast.

It prints a JSON line as soon as the first comment is scored, by which the parent tells the time of
a cold start, and one with the other figures at the end. Each contender runs in a process of its
own, for its memory to be its own; what it needs is imported here and in no other.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

# Scores texts, each for toxicity and against every target.
Score = Callable[[Sequence[str], Sequence[str]], object]

TASKS: Mapping[str, int] = MappingProxyType({"toxicity": 0, "one target": 1, "four targets": 4})
BERT_BASE_SEED = 1
LABELS = 6  # kinds of toxicity that every model tells apart
_FIRST_COMMENT = "Close the street to cars, and the town will breathe again."
_LEAST_SECONDS = 0.5  # of the clock for a large matrix product
_PRODUCT_SIZE = 2048


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to score comments.

    Parameters
    ----------
    title : str
    load : callable
        From the model's folder and the number of threads to what scores.
    blocks : mapping of task to int
        Blocks of made-up comments (`made_up_comments.BLOCK`) that it is timed on: enough for a
        second or more. A task that is not there it cannot do, or takes no other way for.
    """

    title: str
    load: Callable[[Path, int], Score]
    blocks: Mapping[str, int]


# Contenders


def _ours(folder: Path, threads: int) -> Score:
    from stance.scoring.analyzer import Analyzer

    analyzer = Analyzer(folder, threads=threads)
    return lambda texts, targets: analyzer.predict(texts, [targets] * len(texts))


def _pipeline(folder: Path, threads: int) -> Score:
    """Return Hugging Face's text classification, one text or pair of texts after the other.

    Batches, which it pads in the order they come in, took 1.4 to 2.9 times as long on a processor
    (of 4 to 32 comments), so it keeps its default of 1.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, pipeline

    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, dtype=torch.float32, num_labels=LABELS, problem_type="multi_label_classification"
    )
    classify: Any = pipeline(
        "text-classification",
        model=model,
        tokenizer=_transformers_tokenizer(folder),
        device="cpu",
        top_k=None,
        function_to_apply="sigmoid",
    )

    def score(texts: Sequence[str], targets: Sequence[str]) -> object:
        pairs = [{"text": name, "text_pair": text} for name in targets for text in texts]
        return classify([*texts, *pairs], truncation=True)

    return score


def _transformers_tokenizer(folder: Path) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        model_max_length=512,
    )


def _tfidf(_: Path, __: int) -> Score:
    """Return the baseline of the evaluation, trained on made-up comments with made-up labels."""
    from stance.data.examples import Example
    from stance.evaluation.baselines import train_baseline
    from stance.evaluation.made_up_comments import TARGETS, made_up_comments
    from stance.labels import STANCE_LABELS, TOXICITY_LABELS

    rows = [
        Example(
            text,
            "made up",
            "train",
            target=TARGETS[place % len(TARGETS)],
            stance=STANCE_LABELS[place % 3],
            relevance=1.0,
            toxicity={label: float(place % 7 < 2) for label in TOXICITY_LABELS},
        )
        for place, text in enumerate(made_up_comments(512, seed=2))
    ]
    baseline = train_baseline("tfidf", rows, "made-up comments")
    return lambda texts, targets: baseline.predict(texts, [targets] * len(texts))


CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {
        "ours": Contender("stance", _ours, {"toxicity": 8, "one target": 8, "four targets": 4}),
        "same model": Contender(
            "the same encoder, transformers pipeline",
            _pipeline,
            {"toxicity": 2, "one target": 1, "four targets": 1},
        ),
        "BERT-base": Contender("BERT-base, transformers pipeline", _pipeline, {"toxicity": 1}),
        "TF-IDF": Contender(
            "TF-IDF + logistic regression",
            _tfidf,
            {"toxicity": 32, "one target": 32, "four targets": 16},
        ),
    }
)


def make_bert_base(folder: Path, tokenizer: Path) -> None:
    """Write a BERT-base of random weights: as fast as a trained one, and no hub is asked for it.

    Devlin et al. 2019, https://aclanthology.org/N19-1423: 12 layers of width 768.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(BERT_BASE_SEED)
    config = BertConfig()
    config.num_labels = LABELS
    BertForSequenceClassification(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())


# Measuring


def measure(contender: Contender, score: Score, texts: Sequence[str]) -> dict[str, float]:
    """Return comments a second by task.

    Parameters
    ----------
    contender : Contender
    score : callable
    texts : sequence of str
        At least as many as the contender's blocks ask for.
    """
    from stance.evaluation.made_up_comments import BLOCK, TARGETS

    score(texts[:8], TARGETS)  # kernels are chosen and memory is taken on first use
    rates = {}
    for task, blocks in contender.blocks.items():
        asked = texts[: blocks * BLOCK]
        start = time.perf_counter()
        score(asked, TARGETS[: TASKS[task]])
        rates[task] = len(asked) / (time.perf_counter() - start)
    return rates


def encoder_rate(folder: Path, threads: int, texts: Sequence[str]) -> float:
    """Return the operations a second that the encoder of a model folder reaches on comments."""
    from stance.modeling.calibration import Calibration
    from stance.modeling.encoding import InputEncoder
    from stance.modeling.runtime import FILE_NAME, Runtime

    encoder = InputEncoder.from_folder(folder, Calibration.load(folder).max_length)
    runtime = Runtime(folder / FILE_NAME, threads)
    windows = [window for tokens in encoder.tokenize(texts) for window in encoder.single(tokens)]
    runtime.run(windows[:8])
    start = time.perf_counter()
    runtime.run(windows)
    seconds = time.perf_counter() - start
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return encoder_operations(list(map(len, windows)), config) / seconds


def encoder_operations(lengths: Sequence[int], config: Mapping[str, Any]) -> int:
    """Return the additions and multiplications in the matrix products of an encoder's layers.

    Padding, embeddings, normalisation, activations and heads do not count.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each window.
    config : mapping
        The encoder's `config.json`.

    Examples
    --------
    >>> bert_base = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
    >>> encoder_operations([1], bert_base)
    169906176
    """
    hidden, inner = int(config["hidden_size"]), int(config["intermediate_size"])
    weights = 4 * hidden * hidden + 2 * hidden * inner
    layer = sum(2 * weights * n + 4 * n * n * hidden for n in lengths)
    return layer * int(config["num_hidden_layers"])


def product_rates(threads: int) -> dict[str, float]:
    """Return the operations a second of a large float32 matrix product, by library."""
    import numpy as np
    import torch

    torch.set_num_threads(threads)
    one, other = np.random.default_rng(1).random((2, _PRODUCT_SIZE, _PRODUCT_SIZE), np.float32)
    tensors = torch.from_numpy(one), torch.from_numpy(other)
    session = _product_session(other, threads)
    return {
        "numpy": _product_rate(lambda: one @ other),
        "torch": _product_rate(lambda: tensors[0] @ tensors[1]),
        "onnxruntime": _product_rate(lambda: session.run(None, {"x": one})),
    }


def _product_session(weights: Any, threads: int) -> Any:
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weights"], ["y"])],
        "product",
        [value("x", onnx.TensorProto.FLOAT, [_PRODUCT_SIZE] * 2)],
        [value("y", onnx.TensorProto.FLOAT, [_PRODUCT_SIZE] * 2)],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _product_rate(product: Callable[[], object]) -> float:
    """Return the best rate of a product that is repeated for a while."""
    product()
    best, spent = float("inf"), 0.0
    while spent < _LEAST_SECONDS:
        start = time.perf_counter()
        product()
        seconds = time.perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return 2 * _PRODUCT_SIZE**3 / best


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held."""
    import resource

    try:
        # Beside getrusage's figure, which a process on Linux has from its parent.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Return the versions of Python and of what the contenders run on."""
    import platform
    from importlib.metadata import version

    names = "numpy", "onnxruntime", "scikit-learn", "tokenizers", "torch", "transformers"
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


@contextmanager
def _own_output() -> Iterator[Any]:
    """Keep standard output for our lines: libraries that print go to standard error."""
    own, sys.stdout = sys.stdout, sys.stderr
    try:
        yield own
    finally:
        sys.stdout = own


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the parent asks for and print JSON lines."""
    parser = argparse.ArgumentParser(prog="speed_worker")
    parser.add_argument("what", choices=[*CONTENDERS, "peak", "make BERT-base"])
    parser.add_argument("--folder", type=Path, required=True, help="of the model")
    parser.add_argument("--tokenizer", type=Path, help="for the BERT-base that is made")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--lengths", default="news")
    parser.add_argument("--only-first", action="store_true", help="end after the first comment")
    options = parser.parse_args(arguments)
    with _own_output() as out:
        if options.what == "peak":
            print(json.dumps({"products": product_rates(options.threads)}), file=out, flush=True)
        elif options.what == "make BERT-base":
            make_bert_base(options.folder, options.tokenizer)
            print(json.dumps({"versions": versions()}), file=out, flush=True)
        else:
            _run(CONTENDERS[options.what], options, out)


def _run(contender: Contender, options: argparse.Namespace, out: Any) -> None:
    score = contender.load(options.folder, options.threads)
    score([_FIRST_COMMENT], ())
    print(json.dumps({"scored": 1}), file=out, flush=True)
    if options.only_first:
        return
    from stance.evaluation.made_up_comments import BLOCK, LENGTHS, made_up_comments

    count = BLOCK * max(contender.blocks.values())
    texts = made_up_comments(count, lengths=LENGTHS[options.lengths])
    found: dict[str, Any] = {"rates": measure(contender, score, texts)}
    found["peak_memory"] = peak_memory()
    if contender.load is _ours:
        found["encoder"] = encoder_rate(options.folder, options.threads, texts)
    print(json.dumps(found), file=out, flush=True)


if __name__ == "__main__":
    main()
