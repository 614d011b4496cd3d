from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from stance.data.examples import Example  # noqa: E402
from stance.labels import TOXICITY_LABELS  # noqa: E402
from stance.modeling.encoding import InputEncoder  # noqa: E402
from stance.modeling.network import UNKNOWN, CommentModel  # noqa: E402
from stance.training.balance import MOST, with_class_weights  # noqa: E402
from stance.training.batches import Collator, encode_examples  # noqa: E402
from stance.training.soft import with_soft_targets  # noqa: E402


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> InputEncoder:
    return InputEncoder.from_folder(tiny_model, 160)


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> CommentModel:
    return CommentModel.load(tiny_model)


def test_a_model_is_asked_what_nobody_labelled_and_only_that(
    encoder: InputEncoder, model: CommentModel
) -> None:
    examples = [
        Example("love it", "c", "train", target="trams", stance="favor"),
        Example("love it", "c", "train", toxicity={"insult": 1.0}),
        Example("you fool", "c", "train", toxic_spans=((4, 8),)),
        Example("we hate it", "c", "train", target="trams", relevance=1.0),
    ]
    rows = with_soft_targets(list(encode_examples(examples, encoder)), model, 0)
    pair, single, spans, other = rows
    assert pair["soft_stance"] == [UNKNOWN] * 3
    assert 0 < pair["soft_relevance"] < 1
    assert pair["soft_toxicity"] == [UNKNOWN] * 6
    assert set(pair["soft_spans"]) == {UNKNOWN}
    assert single["soft_stance"] == [UNKNOWN] * 3
    assert single["soft_relevance"] == UNKNOWN
    assert [value == UNKNOWN for value in single["soft_toxicity"]] == [*[False] * 4, True, False]
    assert [value == UNKNOWN for value in single["soft_spans"]] == [True, False, False, True]
    assert set(spans["soft_spans"]) == {UNKNOWN}
    assert sum(other["soft_stance"]) == pytest.approx(1)
    assert other["soft_relevance"] == UNKNOWN


def test_where_a_teacher_speaks_the_model_is_not_asked(
    encoder: InputEncoder, model: CommentModel
) -> None:
    examples = [Example("love it", "c", "train", target="trams")] * 3
    encoded = list(encode_examples(examples, encoder))
    taught = [{"stance", "relevance"}, {"stance"}, set()]
    rows = with_soft_targets(encoded, model, 0, taught)
    assert [row["soft_stance"] == [UNKNOWN] * 3 for row in rows] == [True, True, False]
    assert [row["soft_relevance"] == UNKNOWN for row in rows] == [True, False, False]


def test_a_model_is_not_asked_about_rows_that_leave_nothing_open(
    encoder: InputEncoder, model: CommentModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"stance": "favor", "relevance": 1.0}
    kinds = dict.fromkeys(TOXICITY_LABELS, 0.0)
    examples = [
        Example("love it", "c", "train", target="trams", **known),  # type: ignore[arg-type]
        Example("love it", "c", "train", target="trams"),
        Example("we love it", "c", "train", toxicity=kinds, toxic_spans=()),  # type: ignore[arg-type]
    ]
    encoded = list(encode_examples(examples, encoder))
    asked: list[int] = []
    forward = CommentModel._logits

    def counting(self: CommentModel, ids: Any, *rest: Any) -> Any:
        asked.append(len(ids))
        return forward(self, ids, *rest)

    monkeypatch.setattr(CommentModel, "_logits", counting)
    rows = with_soft_targets(encoded, model, 0)
    assert sum(asked) == 1
    for row in (rows[0], rows[2]):
        assert row["soft_stance"] == [UNKNOWN] * 3
        assert row["soft_relevance"] == UNKNOWN
        assert row["soft_toxicity"] == [UNKNOWN] * 6
        assert row["soft_spans"] == [UNKNOWN] * row["length"]
    assert sum(rows[1]["soft_stance"]) == pytest.approx(1)


def test_where_a_teacher_of_toxicity_speaks_the_model_is_not_asked(
    encoder: InputEncoder, model: CommentModel
) -> None:
    encoded = list(encode_examples([Example("you fool", "c", "train")], encoder))
    [row] = with_soft_targets(encoded, model, 0, [{"insult", "threat"}])
    unknown = [value == UNKNOWN for value in row["soft_toxicity"]]
    assert unknown == [label in {"insult", "threat"} for label in TOXICITY_LABELS]


def test_what_the_model_says_is_what_it_says_in_scoring(
    encoder: InputEncoder, model: CommentModel
) -> None:
    texts = ["you fool", "we love open trams and the town hall", "no"]
    rows = list(encode_examples([Example(text, "c", "train") for text in texts], encoder))
    for row, soft in zip(rows, with_soft_targets(rows, model, 0), strict=True):
        ids = torch.tensor([row["input_ids"]])
        with torch.inference_mode():
            alone = model(ids, torch.ones_like(ids), torch.zeros_like(ids))
        expected = torch.sigmoid(alone["toxicity"][0])
        assert torch.allclose(torch.tensor(soft["soft_toxicity"]), expected, atol=1e-5)


def test_a_model_that_has_not_changed_has_the_least_loss(
    encoder: InputEncoder, model: CommentModel
) -> None:
    examples = [
        Example("you fool", "c", "train"),
        Example("we love it", "c", "train", target="trams"),
    ]
    batch = Collator(0)(with_soft_targets(list(encode_examples(examples, encoder)), model, 0))
    inputs = {name: value for name, value in batch.items() if "weights" not in name}
    moved = CommentModel(model.encoder, [2, 3], 160)
    moved.heads.load_state_dict(model.heads.state_dict())
    with torch.no_grad():
        for weights in moved.heads.parameters():
            weights.mul_(0.9)
        assert float(moved.eval()(**inputs)["loss"]) > float(model(**inputs)["loss"])
        moved.soft_weight = 0.0
        assert float(moved(**inputs)["loss"]) == 0


def test_classes_weigh_the_same_together_up_to_a_limit(encoder: InputEncoder) -> None:
    labels = ["favor"] * 60 + ["against"] * 30 + ["neutral"] * 10
    examples = [
        Example(f"it {n}", "c", "train", target="trams", stance=label)  # type: ignore[arg-type]
        for n, label in enumerate(labels)
    ]
    examples += [
        Example(f"you {n}", "c", "train", toxicity={"threat": float(n == 0)}) for n in range(100)
    ]
    rows = with_class_weights(list(encode_examples(examples, encoder)))
    totals = {}
    for label, found in zip(labels, rows[:100], strict=True):
        totals[label] = totals.get(label, 0) + found["stance_weights"]
    assert totals == pytest.approx(dict.fromkeys(totals, 100 / 3))
    threat = [found["toxicity_weights"][3] for found in rows[100:]]
    assert (threat[0], threat[1]) == (MOST, pytest.approx(100 / 198))
    assert rows[0]["toxicity_weights"] == [1.0] * 6
    assert Collator(0)(rows[:2])["toxicity_weights"].shape == (2, 6)
