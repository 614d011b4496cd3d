from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.scoring.results import (
    Agreement,
    Prediction,
    ScoredComment,
    ScoredThread,
    StanceScore,
)
from stance.scoring.targets import choose_targets
from stance.thread import Thread


class FakeAnalyzer:
    """The interface of `stance.scoring.analyzer.Analyzer`, on rules that a test can foresee.

    "love" is favor, "hate" against, else neutral; relevant where the text names the target;
    each "idiot" is a toxic span. A reply with "wrong" disagrees, one with "right" agrees, and a
    text with "nicht" is German.
    """

    name = "fake 1.0"
    languages = ("en",)

    def __init__(self) -> None:
        self.thresholds = dict.fromkeys(TOXICITY_LABELS, 0.5)
        self.calls: list[int] = []

    def score(
        self,
        thread: Thread,
        targets: Sequence[str] | None = None,
        *,
        threshold: float | None = None,
        replies: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> ScoredThread:
        chosen = choose_targets(thread) if targets is None else tuple(targets)
        texts = [comment.text for comment in thread.comments]
        by_id = {comment.id: comment.text for comment in thread.comments}
        parents = [by_id.get(comment.parent_id or "") for comment in thread.comments]
        predictions = self.predict(
            texts,
            [chosen] * len(texts),
            parents=parents if replies else None,
            threshold=threshold,
            progress=progress,
        )
        comments = map(ScoredComment, thread.comments, predictions)
        return ScoredThread(thread, chosen, tuple(comments), self.name, self.languages)

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        assert len(texts) == len(targets)
        self.calls.append(len(texts))
        for done in range(len(texts)):
            if progress is not None:
                progress(done + 1, len(texts))
        return [
            replace(
                self._predict(text, own, 0.5 if threshold is None else threshold),
                reply=None if parent is None else self._reply(text),
                language="de" if "nicht" in text else "en" if len(text) > 5 else None,
            )
            for text, own, parent in zip(
                texts, targets, parents or [None] * len(texts), strict=True
            )
        ]

    def _reply(self, text: str) -> Agreement:
        label = "against" if "wrong" in text else "favor" if "right" in text else "neutral"
        shares = {name: 0.7 if name == label else 0.15 for name in STANCE_LABELS}
        return Agreement(label, **shares)  # type: ignore[arg-type]

    def _predict(self, text: str, targets: Sequence[str], threshold: float) -> Prediction:
        lower = text.lower()
        label = "favor" if "love" in lower else "against" if "hate" in lower else "neutral"
        shares = {name: 0.8 if name == label else 0.1 for name in ("favor", "against", "neutral")}
        spans, start = [], lower.find("idiot")
        while start >= 0:
            spans.append((start, start + len("idiot")))
            start = lower.find("idiot", start + 1)
        toxicity = 0.9 if spans else 0.1
        return Prediction(
            tuple(
                StanceScore(
                    target,
                    label,  # type: ignore[arg-type]
                    **shares,
                    relevance=0.9 if target.lower() in lower else 0.2,
                )
                for target in targets
            ),
            {
                name: toxicity if name in ("toxicity", "insult") else 0.01
                for name in TOXICITY_LABELS
            },
            toxicity >= threshold,
            tuple(spans),
        )


@pytest.fixture
def fake_analyzer() -> FakeAnalyzer:
    return FakeAnalyzer()


TINY_WORDS = (
    "the a of is are and but trams cars bikes town hall street love hate good bad idiot fool you "
    "they we it not never always for against close open more less ##s ##ed . , ! ?"
)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Hugging Face encoder of two thin layers with random weights and a few words."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-encoder")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *TINY_WORDS.split(), *letters]
    words += [f"##{letter}" for letter in letters]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=256,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as training leaves it: checkpoint, ONNX file, tokenizer, calibration."""
    torch = pytest.importorskip("torch")
    from stance.modeling.calibration import uncalibrated
    from stance.modeling.encoding import InputEncoder
    from stance.modeling.export import export
    from stance.modeling.network import CommentModel
    from stance.training.start import load_tokenizer

    folder = tmp_path_factory.mktemp("tiny-model")
    tokenizer = load_tokenizer(str(tiny_encoder))
    encoder = InputEncoder(tokenizer, 160)
    torch.manual_seed(0)
    model = CommentModel.from_encoder(tiny_encoder, encoder.special_ids, 160)
    for weights in model.heads.parameters():  # far from indifferent, so that differences show
        torch.nn.init.normal_(weights, std=0.3)
    model.save(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    windows = [encoder.single(tokens)[0] for tokens in encoder.tokenize(["you fool", "trams !"])]
    export(CommentModel.load(folder), folder, windows)
    uncalibrated("tiny", 160).save(folder)
    return folder
