from collections.abc import Callable, Sequence

import pytest

from stance.labels import TOXICITY_LABELS
from stance.scoring.results import Prediction, ScoredComment, ScoredThread, StanceScore
from stance.scoring.targets import choose_targets
from stance.thread import Thread


class FakeAnalyzer:
    """The interface of `stance.scoring.analyzer.Analyzer`, on rules that a test can foresee.

    "love" is favor, "hate" against, else neutral; relevant where the text names the target;
    each "idiot" is a toxic span.
    """

    name = "fake 1.0"

    def __init__(self) -> None:
        self.thresholds = dict.fromkeys(TOXICITY_LABELS, 0.5)
        self.calls: list[int] = []

    def score(
        self,
        thread: Thread,
        targets: Sequence[str] | None = None,
        *,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ScoredThread:
        chosen = choose_targets(thread) if targets is None else tuple(targets)
        texts = [comment.text for comment in thread.comments]
        predictions = self.predict(
            texts, [chosen] * len(texts), threshold=threshold, progress=progress
        )
        comments = map(ScoredComment, thread.comments, predictions)
        return ScoredThread(thread, chosen, tuple(comments), self.name)

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        threshold: float | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Prediction]:
        assert len(texts) == len(targets)
        self.calls.append(len(texts))
        for done in range(len(texts)):
            if progress is not None:
                progress(done + 1, len(texts))
        return [
            self._predict(text, own, 0.5 if threshold is None else threshold)
            for text, own in zip(texts, targets, strict=True)
        ]

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
