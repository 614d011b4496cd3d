import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from stance.errors import ConfigError  # noqa: E402
from stance.modeling.encoding import InputEncoder  # noqa: E402
from stance.modeling.network import CommentModel  # noqa: E402
from stance.training.config import load_config  # noqa: E402
from stance.training.start import (  # noqa: E402
    averaged_models,
    load_tokenizer,
    stages_before,
    starting_model,
)


@pytest.fixture
def begin(config_path: Path) -> Callable[..., CommentModel]:
    def begin(*options: str) -> CommentModel:
        config = load_config(config_path, options)
        encoder = InputEncoder(load_tokenizer(config.encoder), config.max_length)
        return starting_model(config, encoder)

    return begin


def refused(begin: Callable[..., CommentModel], *options: str) -> str:
    with pytest.raises(ConfigError) as raised:
        begin(*options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, **values}), encoding="utf-8")


@pytest.fixture
def copy(tiny_encoder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_encoder, tmp_path / "encoder")


def test_a_model_folder_brings_its_heads_and_its_tokenizer(
    begin: Callable[..., CommentModel], tiny_model: Path
) -> None:
    model = begin(f"encoder={tiny_model}", "max_length=200")
    before = CommentModel.load(tiny_model)
    assert all(value.equal(before.state_dict()[name]) for name, value in model.state_dict().items())
    assert (model.max_length, before.max_length) == (200, 160)
    assert load_tokenizer(str(tiny_model)).get_vocab_size() > 0


def test_the_scale_of_states_belongs_to_a_model_that_has_heads(
    begin: Callable[..., CommentModel], tiny_model: Path, tiny_encoder: Path
) -> None:
    said = refused(begin, f"encoder={tiny_model}", "state_scale=8")
    assert said.startswith(f"state_scale 8: {tiny_model} has heads, which read states times 1;")
    assert begin(f"encoder={tiny_encoder}", "state_scale=8").state_scale == 8


def test_the_embedded_model_can_be_the_start(begin: Callable[..., CommentModel]) -> None:
    model = begin("encoder=embedded", "max_length=256")
    assert float(model.heads.stance.weight.detach().abs().sum()) > 0
    assert model.config.hidden_size == 384


def test_another_encoder_gets_fresh_heads(
    begin: Callable[..., CommentModel], tiny_encoder: Path
) -> None:
    from transformers import AutoModel

    model = begin(f"encoder={tiny_encoder}")
    encoder = AutoModel.from_pretrained(tiny_encoder, dtype=torch.float32).state_dict()
    for name, value in model.encoder.state_dict().items():
        assert value.equal(encoder[name])


def test_a_folder_that_is_not_there_is_named(
    begin: Callable[..., CommentModel], tmp_path: Path
) -> None:
    assert refused(begin, f"encoder={tmp_path / 'none'}") == (
        f'encoder {tmp_path / "none"}: no such folder; expected "embedded", "all-MiniLM-L6-v2", a '
        "folder that stance train wrote (…/model), or a Hugging Face encoder, by its folder or its "
        "name on the hub"
    )


def test_the_folder_of_a_run_is_not_that_of_its_model(
    begin: Callable[..., CommentModel], tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "done").mkdir()
    shutil.copytree(tiny_model, tmp_path / "done" / "model")
    assert refused(begin, f"encoder={tmp_path / 'done'}").startswith(
        f"encoder {tmp_path / 'done'}: no config.json there; did you mean "
        f"{tmp_path / 'done' / 'model'}? expected"
    )
    assert refused(begin, f"encoder={tmp_path}").startswith(
        f"encoder {tmp_path}: no config.json there; expected"
    )


def test_a_broken_encoder_says_why(begin: Callable[..., CommentModel], copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"not weights")
    assert f"encoder {copy}: cannot be loaded (" in refused(begin, f"encoder={copy}")
    (copy / "model.safetensors").unlink()
    assert f"encoder {copy}: cannot be loaded (" in refused(begin, f"encoder={copy}")
    (copy / "config.json").write_text("{", encoding="utf-8")
    assert f"encoder {copy}: cannot be loaded (" in refused(begin, f"encoder={copy}")


def test_code_that_comes_with_an_encoder_is_not_run(
    begin: Callable[..., CommentModel], copy: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "was-run"
    (copy / "own.py").write_text(f"open({str(proof)!r}, 'w')", encoding="utf-8")
    change_config(
        copy, model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    )
    assert "without code of its own, which is never run" in refused(begin, f"encoder={copy}")
    assert not proof.exists()


def test_an_encoder_decoder_is_refused(begin: Callable[..., CommentModel], copy: Path) -> None:
    (copy / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    assert f"encoder {copy}: a t5 model encodes and decodes" in refused(begin, f"encoder={copy}")


def test_a_window_longer_than_the_encoder_reads_is_refused(
    begin: Callable[..., CommentModel], tiny_encoder: Path
) -> None:
    assert refused(begin, "max_length=300") == (
        f"max_length 300: the encoder {tiny_encoder} reads at most 256 tokens; set max_length to "
        "256 or less"
    )


def test_places_of_roberta_begin_behind_that_of_padding(
    begin: Callable[..., CommentModel], copy: Path
) -> None:
    from transformers import RobertaConfig, RobertaModel

    old = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    RobertaModel(
        RobertaConfig(
            vocab_size=old["vocab_size"],
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=202,
            pad_token_id=1,
        )
    ).save_pretrained(copy)
    assert "reads at most 200 tokens" in refused(begin, f"encoder={copy}", "max_length=201")
    assert begin(f"encoder={copy}", "max_length=200").max_length == 200


def test_a_tokenizer_of_another_encoder_is_refused(
    begin: Callable[..., CommentModel], copy: Path
) -> None:
    path = copy / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] |= {f"word{number}": 1000 + number for number in range(50)}
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    said = refused(begin, f"encoder={copy}")
    assert re.search(r"its tokenizer has \d+ tokens, its weights only \d+; bring the two", said)


def test_what_other_models_were_trained_on_is_read_before_training(
    config_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    file = tmp_path / "metrics.json"
    config = load_config(config_path, [f"average_with=[{{model: {tmp_path}, share: 0.5}}]"])
    named = {"model": tmp_path.name, "share": 0.5, "stages": []}
    assert averaged_models(config) == [named]
    whole = {"name": "one", "runs": []}
    file.write_text(json.dumps({"model": "m", "stages": [{"name": "of long ago"}, whole]}))
    assert averaged_models(config) == [{"model": "m", "share": 0.5, "stages": [whole]}]
    file.write_text("{")
    with pytest.raises(ConfigError, match=r"metrics\.json is not JSON .*; bring it back as stance"):
        averaged_models(config)


def test_what_came_before_a_run_is_read_from_the_model_that_it_starts_from(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    assert stages_before(load_config(config_path, [f"encoder={folder}"])) == []
    own, other, first = ({"name": name, "runs": []} for name in ("own", "other", "first"))
    metrics = {"stages": [own], "averaged_with": [{"stages": [other]}], "stages_before": [first]}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    assert stages_before(load_config(config_path, [f"encoder={folder}"])) == [own, other, first]
    assert stages_before(load_config(config_path)) == []
