import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from transformers import AutoModel  # noqa: E402

from stance.errors import ModelError  # noqa: E402
from stance.modeling.network import (  # noqa: E402
    UNKNOWN,
    UNKNOWN_STANCE,
    CommentModel,
    losses,
)


def inputs(*rows: list[int], types: list[list[int]] | None = None) -> dict[str, torch.Tensor]:
    ids = torch.tensor(rows)
    return {
        "input_ids": ids,
        "attention_mask": (ids != 0).long(),
        "token_type_ids": torch.zeros_like(ids) if types is None else torch.tensor(types),
    }


def test_each_head_has_the_shape_of_its_labels(tiny_model: Path) -> None:
    output = CommentModel.load(tiny_model)(**inputs([2, 7, 8, 3], [2, 9, 3, 0]))
    assert {name: tuple(value.shape) for name, value in output.items()} == {
        "stance": (2, 3),
        "relevance": (2,),
        "toxicity": (2, 6),
        "spans": (2, 4),
    }


def test_a_saved_folder_loads_with_the_same_numbers(tiny_model: Path, tmp_path: Path) -> None:
    model = CommentModel.load(tiny_model)
    model.save(tmp_path)
    batch = inputs([2, 7, 8, 3])
    for name, value in CommentModel.load(tmp_path)(**batch).items():
        assert torch.equal(value, model(**batch)[name])


def test_a_saved_folder_does_not_say_where_its_encoder_lay(tiny_model: Path) -> None:
    assert "tiny-encoder" not in (tiny_model / "config.json").read_text(encoding="utf-8")


def test_auto_model_takes_the_folder_as_the_encoder(tiny_model: Path) -> None:
    auto = AutoModel.from_pretrained(tiny_model, dtype=torch.float32).eval()
    own = CommentModel.load(tiny_model).encoder
    batch = inputs([2, 7, 8, 3])
    assert torch.allclose(auto(**batch)[0], own(**batch)[0], atol=1e-5)


def test_a_folder_of_float16_loads_in_float32(tiny_model: Path, tmp_path: Path) -> None:
    CommentModel.load(tiny_model).save(tmp_path, torch.float16)
    loaded = CommentModel.load(tmp_path)
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (tiny_model, tmp_path)]
    assert sizes[1] < 0.6 * sizes[0]


def test_small_states_are_scaled_before_the_heads_and_still_after_saving(
    tiny_model: Path, tmp_path: Path
) -> None:
    model, batch = CommentModel.load(tiny_model), inputs([2, 7, 8, 3])
    assert (
        "state_scale" not in json.loads((tiny_model / "config.json").read_text("utf-8"))["stance"]
    )
    bias = model.heads.spans[1].bias
    plain = model(**batch)["spans"] - bias
    model.state_scale = 8.0
    assert torch.allclose(model(**batch)["spans"] - bias, 8 * plain, atol=1e-4)
    model.save(tmp_path)
    for name, value in CommentModel.load(tmp_path)(**batch).items():
        assert torch.equal(value, model(**batch)[name])


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model folder of stance"):
        CommentModel.load(tmp_path)


def test_padding_changes_nothing(tiny_model: Path) -> None:
    model = CommentModel.load(tiny_model)
    alone = model(**inputs([2, 7, 8, 3]))
    padded = model(**inputs([2, 7, 8, 3, 0, 0, 0], [2, 9, 9, 9, 9, 9, 3]))
    for name in ("stance", "relevance", "toxicity"):
        assert torch.allclose(alone[name][0], padded[name][0], atol=1e-5)
    assert torch.allclose(alone["spans"][0], padded["spans"][0, :4], atol=1e-5)


def labels(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    unknown = {
        "stance_labels": torch.tensor([UNKNOWN_STANCE, UNKNOWN_STANCE]),
        "relevance_labels": torch.tensor([UNKNOWN, UNKNOWN]),
        "toxicity_labels": torch.full((2, 6), UNKNOWN),
        "span_labels": torch.full((2, 4), UNKNOWN),
    }
    return {**unknown, **changes}


def logits() -> dict[str, torch.Tensor]:
    return {
        "stance": torch.tensor([[2.0, 0.0, 0.0], [0.0, 5.0, 0.0]]),
        "relevance": torch.tensor([1.0, -3.0]),
        "toxicity": torch.ones(2, 6),
        "spans": torch.ones(2, 4),
    }


def test_unknown_labels_cost_nothing() -> None:
    assert [float(value) for value in losses(logits(), **labels()).values()] == [0, 0, 0, 0]


def test_a_loss_is_the_mean_over_the_labelled_rows_alone() -> None:
    stance = losses(logits(), **labels(stance_labels=torch.tensor([0, UNKNOWN_STANCE])))["stance"]
    expected = torch.nn.functional.cross_entropy(logits()["stance"][:1], torch.tensor([0]))
    assert float(stance) == pytest.approx(float(expected))
    relevance = losses(logits(), **labels(relevance_labels=torch.tensor([UNKNOWN, 0.0])))
    assert float(relevance["relevance"]) == pytest.approx(
        float(torch.log1p(torch.exp(torch.tensor(-3.0))))
    )


def test_soft_targets_have_a_loss_of_their_own_and_do_not_thin_out_the_labels_own() -> None:
    labels = {
        "stance_labels": torch.tensor([0, UNKNOWN_STANCE]),
        "relevance_labels": torch.tensor([UNKNOWN, UNKNOWN]),
        "toxicity_labels": torch.full((2, 6), UNKNOWN),
        "span_labels": torch.full((2, 3), UNKNOWN),
    }
    output = {
        "stance": torch.zeros(2, 3),
        "relevance": torch.zeros(2),
        "toxicity": torch.tensor([[2.0] * 6, [0.0] * 6]),
        "spans": torch.zeros(2, 3),
    }
    soft = {
        "soft_stance": torch.tensor([[UNKNOWN] * 3, [0.5, 0.25, 0.25]]),
        "soft_toxicity": torch.tensor([[UNKNOWN] * 6, [0.5] * 6]),
    }
    alone = losses(output, **labels)
    found = losses(output, **labels, **soft)
    assert {name: found[name] for name in alone} == alone
    assert float(found["soft_stance"]) == pytest.approx(float(torch.log(torch.tensor(3.0))))
    assert float(found["soft_toxicity"]) == pytest.approx(float(torch.log(torch.tensor(2.0))))


def test_a_teacher_is_heard_beside_the_labels_with_its_own_weight() -> None:
    model = CommentModel.__new__(CommentModel)
    torch.nn.Module.__init__(model)
    model.soft_weight, model.teacher_weight, model.toxicity_teacher_weight = 3.0, 0.5, 2.0
    weigh = model._weight
    assert [weigh(name) for name in ("stance", "soft_stance", "teacher_stance")] == [1.0, 3.0, 0.5]
    assert [weigh(name) for name in ("toxicity", "teacher_toxicity")] == [1.0, 2.0]
    output = {"stance": torch.zeros(2, 3), "relevance": torch.zeros(2)}
    output |= {"toxicity": torch.zeros(2, 6), "spans": torch.zeros(2, 3)}
    labels = {
        "stance_labels": torch.tensor([0, UNKNOWN_STANCE]),
        "relevance_labels": torch.tensor([1.0, UNKNOWN]),
        "toxicity_labels": torch.full((2, 6), UNKNOWN),
        "span_labels": torch.full((2, 3), UNKNOWN),
    }
    said = {
        "teacher_stance": torch.tensor([[0.6, 0.2, 0.2], [UNKNOWN] * 3]),
        "teacher_relevance": torch.tensor([0.9, UNKNOWN]),
        "teacher_toxicity": torch.tensor([[UNKNOWN] * 6, [0.3] + [UNKNOWN] * 5]),
    }
    alone, found = losses(output, **labels), losses(output, **labels, **said)
    assert {name: found[name] for name in alone} == alone
    assert float(found["teacher_stance"]) == pytest.approx(float(torch.log(torch.tensor(3.0))))
    for head in ("relevance", "toxicity"):
        assert float(found[f"teacher_{head}"]) == pytest.approx(float(torch.log(torch.tensor(2.0))))


def test_a_weighted_label_counts_so_much_more() -> None:
    labels = {
        "stance_labels": torch.tensor([0, 1]),
        "relevance_labels": torch.tensor([UNKNOWN, UNKNOWN]),
        "toxicity_labels": torch.tensor([[1.0] * 6, [0.0] * 6]),
        "span_labels": torch.full((2, 3), UNKNOWN),
    }
    output = {
        "stance": torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]),
        "relevance": torch.zeros(2),
        "toxicity": torch.tensor([[1.0] * 6, [2.0] * 6]),
        "spans": torch.zeros(2, 3),
    }
    each = [
        losses(
            output, **labels, stance_weights=weight, toxicity_weights=weight[:, None].expand(2, 6)
        )
        for weight in (torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0]), torch.tensor([3.0, 1.0]))
    ]
    for head in ("stance", "toxicity"):
        first, second, mixed = (float(found[head]) for found in each)
        assert mixed == pytest.approx(1.5 * first + 0.5 * second)


def test_a_second_reading_costs_where_it_says_something_else_of_a_stance(tiny_model: Path) -> None:
    model = CommentModel.load(tiny_model, dropout=0.5).train()
    batch = inputs([2, 7, 8, 3], [2, 9, 8, 3], types=[[0, 0, 1, 1], [0, 0, 1, 1]])
    known = labels(stance_labels=torch.tensor([0, UNKNOWN_STANCE]))

    def loss(consistency: float, **gold: torch.Tensor) -> float:
        torch.manual_seed(1)
        model.consistency = consistency
        return float(model(**batch, **gold)["loss"].detach())

    assert loss(1.0, **known) > loss(0.0, **known)
    # Nothing is asked twice of rows without a stance, nor of a model that drops nothing.
    assert loss(1.0, **labels()) == loss(0.0, **labels()) == 0.0
    model.eval()
    assert loss(1.0, **known) == loss(0.0, **known)


def test_the_divergence_of_two_readings_counts_both_ways(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CommentModel.load(tiny_model).train()
    readings = iter(
        {**logits(), "stance": torch.tensor(rows)}
        for rows in ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    )
    monkeypatch.setattr(model, "_logits", lambda *_: next(readings))
    model.consistency = 2.0
    known = labels(stance_labels=torch.tensor([0, UNKNOWN_STANCE]))
    loss = float(model(**inputs([2, 7, 8, 3], [2, 9, 8, 3]), **known)["loss"].detach())
    one, other = (torch.tensor(row).log_softmax(0) for row in ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    there = torch.nn.functional.kl_div(other, one, log_target=True, reduction="sum")
    back = torch.nn.functional.kl_div(one, other, log_target=True, reduction="sum")
    assert loss == pytest.approx(float(-one[0] + 2.0 * (there + back) / 2), abs=1e-5)
