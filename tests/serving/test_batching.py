import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from stance.scoring.results import Prediction
from stance.serving.batching import BATCH_TEXTS, PIECE_TEXTS, Batcher, ClosedError, OverloadedError


class Gated:
    """Predicts "NAME: text" once it is let, and keeps what it was given in each batch."""

    name = "gated"
    languages = ("en",)

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[list[str]] = []
        self.started = threading.Event()

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        **_: Any,
    ) -> list[Prediction]:
        self.batches.append(list(texts))
        self.started.set()
        assert self.gate.wait(60)
        if any(text == "bad" for text in texts):
            raise RuntimeError("no score")
        assert parents is not None
        return [
            Prediction((), {"toxicity": float(text[1:])}, False, (), language=f"{own}{parent}")
            for text, own, parent in zip(texts, targets, parents, strict=True)
        ]


@pytest.fixture
def model() -> Gated:
    return Gated()


@pytest.fixture
def batcher(model: Gated) -> Iterator[Batcher]:
    batcher = Batcher(model, max_waiting=8, wait=0.0)
    yield batcher
    model.gate.set()
    batcher.close()


def submit(batcher: Batcher, *texts: str) -> "Future[list[Prediction]]":
    return batcher.submit(texts, [()] * len(texts))


def hold(batcher: Batcher, model: Gated) -> "Future[list[Prediction]]":
    """Occupy the model, so that what follows waits."""
    first = submit(batcher, "t0")
    assert model.started.wait(60)
    return first


def numbers(future: "Future[list[Prediction]]") -> list[float]:
    return [prediction.toxicity["toxicity"] for prediction in future.result(60)]


def test_answers_have_the_order_of_their_texts(batcher: Batcher, model: Gated) -> None:
    model.gate.set()
    answer = batcher.submit(["t3", "t1", "t2"], [("a",), (), ("b", "c")], [None, "p", None])
    assert numbers(answer) == [3, 1, 2]
    assert [prediction.language for prediction in answer.result()] == [
        "('a',)None",
        "()p",
        "('b', 'c')None",
    ]


def test_what_waits_shares_a_batch(batcher: Batcher, model: Gated) -> None:
    first = hold(batcher, model)
    others = [submit(batcher, f"t{number}") for number in range(1, 6)]
    model.gate.set()
    assert [numbers(future) for future in (first, *others)] == [[n] for n in range(6)]
    assert model.batches == [["t0"], ["t1", "t2", "t3", "t4", "t5"]]


def test_the_first_text_waits_for_others() -> None:
    model = Gated()
    model.gate.set()
    batcher = Batcher(model, max_waiting=8, wait=60)
    first = submit(batcher, "t1")
    time.sleep(0.2)
    assert model.batches == []
    # A whole batch waits for nothing more.
    others = submit(batcher, *(f"t{number}" for number in range(2, BATCH_TEXTS + 1)))
    assert numbers(first) == [1]
    assert len(numbers(others)) == BATCH_TEXTS - 1
    assert [batch[:2] for batch in model.batches] == [["t1", "t2"]]
    batcher.close()


def test_the_first_text_does_not_wait_longer_than_it_should(model: Gated) -> None:
    model.gate.set()
    batcher = Batcher(model, max_waiting=8, wait=0.05)
    assert numbers(submit(batcher, "t1")) == [1]
    batcher.close()


def test_a_long_request_does_not_hold_up_a_short_one(batcher: Batcher, model: Gated) -> None:
    hold(batcher, model)
    long = submit(batcher, *(f"t{number}" for number in range(1000)))
    short = submit(batcher, "t5000")
    model.gate.set()
    assert numbers(long) == list(range(1000))
    assert numbers(short) == [5000]
    # The short one has its turn after one piece of the long one.
    assert model.batches[1].index("t5000") == PIECE_TEXTS
    assert max(map(len, model.batches)) <= BATCH_TEXTS


def test_a_batch_has_a_bounded_number_of_characters(batcher: Batcher, model: Gated) -> None:
    hold(batcher, model)
    texts = [f"t{number:09999}" for number in range(8)]
    answer = batcher.submit(texts, [("a", "b")] * 8)
    model.gate.set()
    assert numbers(answer) == list(range(8))
    # Three passes over 10,000 characters nearly fill a batch.
    assert [len(batch) for batch in model.batches] == [1, 2, 2, 2, 2]


def test_a_full_queue_refuses_and_says_when_to_come_back(batcher: Batcher, model: Gated) -> None:
    hold(batcher, model)
    taken = [submit(batcher, "t1") for _ in range(7)]
    assert batcher.waiting == 8
    with pytest.raises(OverloadedError) as refused:
        submit(batcher, "t2")
    assert refused.value.retry_after >= 1
    model.gate.set()
    assert [numbers(future) for future in taken] == [[1]] * 7
    assert batcher.waiting == 0
    assert numbers(submit(batcher, "t2")) == [2]


def test_one_long_request_is_taken_and_then_no_more(
    batcher: Batcher, model: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.serving.batching.MAX_WAITING_CHARACTERS", 100)
    hold(batcher, model)
    submit(batcher, f"t{1:0200}")
    with pytest.raises(OverloadedError):
        submit(batcher, "t2")


def test_who_gives_up_frees_the_place(batcher: Batcher, model: Gated) -> None:
    first = hold(batcher, model)
    left = submit(batcher, "t1")
    stays = submit(batcher, "t2")
    assert left.cancel()
    assert batcher.waiting == 2
    model.gate.set()
    assert numbers(first) == [0]
    assert numbers(stays) == [2]
    assert model.batches == [["t0"], ["t2"]]
    with pytest.raises(CancelledError):
        left.result()


def test_who_gives_up_while_being_scored_harms_nobody(batcher: Batcher, model: Gated) -> None:
    first = hold(batcher, model)
    assert first.cancel()
    model.gate.set()
    assert numbers(submit(batcher, "t1")) == [1]


def test_a_text_that_the_model_fails_on_costs_its_own_request_alone(
    batcher: Batcher, model: Gated
) -> None:
    hold(batcher, model)
    good, bad = submit(batcher, "t1", "t2"), submit(batcher, "t3", "bad", "t4")
    model.gate.set()
    assert numbers(good) == [1, 2]
    with pytest.raises(RuntimeError, match="no score"):
        bad.result(60)
    assert numbers(submit(batcher, "t5")) == [5]


def test_closing_answers_what_was_taken(model: Gated) -> None:
    batcher = Batcher(model, max_waiting=8, wait=0.3)
    first = hold(batcher, model)
    second = submit(batcher, *(f"t{number}" for number in range(200)))
    closing = threading.Thread(target=batcher.close)
    closing.start()
    deadline = time.monotonic() + 60
    while not batcher._closing:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    with pytest.raises(ClosedError):
        submit(batcher, "t1")
    model.gate.set()
    closing.join(60)
    assert not closing.is_alive()
    assert numbers(first) == [0]
    assert numbers(second) == list(range(200))


def test_no_texts_are_answered_at_once(batcher: Batcher) -> None:
    assert submit(batcher).result(0) == []


def test_each_batch_is_told_of(model: Gated) -> None:
    model.gate.set()
    sizes: list[int] = []
    batcher = Batcher(model, max_waiting=8, wait=0.0, on_batch=sizes.append)
    submit(batcher, "t1", "t2", "t3").result(60)
    batcher.close()
    assert sizes == [3]
