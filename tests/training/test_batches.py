from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from stance.data.examples import Example  # noqa: E402
from stance.modeling.encoding import InputEncoder  # noqa: E402
from stance.modeling.network import UNKNOWN, UNKNOWN_STANCE  # noqa: E402
from stance.training.batches import Collator, encode_examples  # noqa: E402


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> InputEncoder:
    return InputEncoder.from_folder(tiny_model, 160)


def test_what_a_corpus_does_not_label_is_marked_unknown(encoder: InputEncoder) -> None:
    example = Example("You fool", "c", "train", toxicity={"insult": 0.5})
    [row] = encode_examples([example], encoder)
    assert row["stance_labels"] == UNKNOWN_STANCE
    assert row["relevance_labels"] == UNKNOWN
    assert row["toxicity_labels"] == [UNKNOWN] * 4 + [0.5, UNKNOWN]
    assert row["span_labels"] == [UNKNOWN] * 4


def test_spans_label_the_tokens_that_they_touch(encoder: InputEncoder) -> None:
    example = Example("You fool, you", "c", "train", toxic_spans=((4, 8),))
    [row] = encode_examples([example], encoder)
    assert row["span_labels"] == [UNKNOWN, 0.0, 1.0, 0.0, 0.0, UNKNOWN]


def test_a_text_without_spans_labels_every_token_zero(encoder: InputEncoder) -> None:
    [row] = encode_examples([Example("love it", "c", "train", toxic_spans=())], encoder)
    assert row["span_labels"] == [UNKNOWN, 0.0, 0.0, UNKNOWN]


def test_a_batch_is_padded_with_what_counts_for_nothing(encoder: InputEncoder) -> None:
    rows = list(
        encode_examples(
            [
                Example("love it", "c", "train", target="trams", stance="favor", relevance=1.0),
                Example("you", "c", "train", toxic_spans=()),
            ],
            encoder,
        )
    )
    batch = Collator(pad_id=0)(rows)
    assert batch["input_ids"].shape == (2, 8)
    assert batch["attention_mask"].sum(dim=1).tolist() == [6, 3]
    assert batch["stance_labels"].tolist() == [0, UNKNOWN_STANCE]
    assert batch["span_labels"][1].tolist() == [UNKNOWN, 0.0] + [UNKNOWN] * 6
