"""Made-up corpora in the published formats, and a configuration of a short run on them."""

from pathlib import Path

import pytest


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    opinions = [("love", "1"), ("hate", "0")]
    rows = [
        f"we {word} trams {n},trams,tram,{code},3\n" for n in range(24) for word, code in opinions
    ]
    rows += [f"the hall is open {n},hall,trams,2,4\n" for n in range(12)]
    write(
        root / "stance/vast/vast_train.csv",
        "post,new_topic,topic_str,label,type_idx\n" + "".join(rows),
    )
    for part in ("dev", "test"):
        held_out = [
            f"{part} {n} we {word} cars,cars,{label},{n % 2}\n"
            for n in range(6)
            for word, label in (("love", "FAVOR"), ("hate", "AGAINST"), ("open", "NONE"))
        ]
        write(
            root / f"stance/vast/vast_{part}.csv",
            "Tweet,Target 1,Stance 1,seen?\n" + "".join(held_out),
        )
    for part in ("train", "trial", "test"):
        spans = [
            f'"[4, 5, 6, 7]",you fool {part} {n}\n[],you are good {part} {n}\n' for n in range(12)
        ]
        write(root / f"toxicity/toxic_spans/tsd_{part}.csv", "spans,text\n" + "".join(spans))
    for name in ("text_comment_1.csv", "text_comment_2.csv"):
        rows = [f"you idiot {name} {n},1\nwe love bikes {name} {n},0\n" for n in range(60)]
        write(
            root / f"toxicity/jigsaw_binary_first20k/{name}",
            "comment_text,labels\n" + "".join(rows),
        )
    return root


@pytest.fixture
def config_path(tmp_path: Path, tiny_encoder: Path, data_root: Path) -> Path:
    mix = [{"corpus": name} for name in ("vast", "toxic_spans", "jigsaw_first20k")]
    stage = {"learning_rate": 1e-3, "head_learning_rate": 1e-3, "mix": mix}
    yaml = pytest.importorskip("yaml", reason="training is not installed")
    path = tmp_path / "config.yaml"
    write(
        path,
        yaml.safe_dump(
            {
                "name": "tiny-0.0",
                "output": str(tmp_path / "run"),
                "data_root": str(data_root),
                "encoder": str(tiny_encoder),
                "max_length": 160,
                "stages": [{"name": "one", **stage}, {"name": "two", **stage}],
                "calibration": {
                    "stance": [{"corpus": "vast"}],
                    "relevance": [{"corpus": "vast"}],
                    "toxicity": [{"corpus": "jigsaw_first20k"}],
                    "spans": [{"corpus": "toxic_spans"}],
                },
            }
        ),
    )
    return path
