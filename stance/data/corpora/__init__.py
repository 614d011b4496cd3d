"""The public corpora by name: where each lies under a data root, its reader and its licence."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stance.data.corpora import contrasts, stance, toxicity
from stance.data.examples import Example
from stance.errors import DataError

UNSTATED = "none stated by the publisher"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A public corpus.

    Parameters
    ----------
    folder : str or None
        Where it lies under the data root; None for one that lies nowhere or elsewhere.
    read : callable
        Yields its examples from that folder.
    licence : str
        As its publisher states it.
    benchmark : bool
        Used to measure only: none of its texts may be trained on.
    test_is_benchmark : bool
        Models are measured on its test rows: none of their texts may be trained on, whatever corpus
        they stand in.
    """

    folder: str | None
    read: Callable[[Path], Iterator[Example]]
    licence: str
    benchmark: bool = False
    test_is_benchmark: bool = False

    @property
    def is_measured_on(self) -> bool:
        """Whether some of its texts are a benchmark's."""
        return self.benchmark or self.test_is_benchmark

    def examples(self, root: Path | None) -> Iterator[Example]:
        """Yield the corpus from its folder under `root`.

        Raises
        ------
        DataError
            It has a folder there, and nobody said where `root` is.
        """
        if root is None and self.folder is not None:
            raise DataError(
                f"where is the corpus in {self.folder}? Name the folder that holds the public "
                "corpora as data_root, or in the environment variable STANCE_DATA"
            )
        return self.read(self.location(root or Path()))

    def location(self, root: Path) -> Path:
        """Return its folder under `root`; `root` itself if it has none."""
        return root if self.folder is None else root / self.folder


CORPORA: dict[str, Corpus] = {
    "vast": Corpus("stance/vast", stance.read_vast, UNSTATED, test_is_benchmark=True),
    "arc": Corpus("stance/arc_ukp", stance.read_arc, UNSTATED, test_is_benchmark=True),
    "ibm_rank30k": Corpus("stance/ibm_rank30k", stance.read_ibm_rank30k, "CC BY-SA 3.0"),
    "ibm_claim_stance": Corpus(
        "stance/ibm_claim_stance", stance.read_ibm_claim_stance, "CC BY-SA 3.0"
    ),
    "perspectrum": Corpus("stance/perspectrum", stance.read_perspectrum, "CC BY-SA 4.0"),
    "procon20": Corpus("stance/procon20", stance.read_procon20, "MIT"),
    "pstance": Corpus("stance/pstance", stance.read_pstance, "MIT"),
    "mt_csd": Corpus("stance/mt_csd", stance.read_mt_csd, UNSTATED),
    "mt_csd_replies": Corpus("stance/mt_csd", stance.read_mt_csd_replies, UNSTATED),
    "ruw_russia_ukraine": Corpus("stance/ruw_russia_ukraine", stance.read_ruw, UNSTATED),
    "subreddit_agreement": Corpus("stance/subreddit_agreement", stance.read_subreddit, UNSTATED),
    "argmin_am": Corpus("stance/argmin_am", stance.read_argmin, "CC BY-NC"),
    "covid19": Corpus("stance/covid19", stance.read_covid19, UNSTATED),
    "ukpconvarg1": Corpus("stance/ukpconvarg1", stance.read_ukpconvarg1, "CC BY 4.0"),
    "semeval2016": Corpus(
        "stance/semeval2016_task6", stance.read_semeval2016, UNSTATED, benchmark=True
    ),
    "jigsaw_multilabel": Corpus(
        "toxicity/derived", toxicity.read_jigsaw_multilabel, "labels CC0, text CC BY-SA 3.0"
    ),
    "jigsaw_first20k": Corpus(
        "toxicity/jigsaw_binary_first20k",
        toxicity.read_jigsaw_first20k,
        "labels CC0, text CC BY-SA 3.0",
    ),
    "civil_comments": Corpus("toxicity/derived", toxicity.read_civil_comments, "CC0"),
    "toxic_spans": Corpus(
        "toxicity/toxic_spans", toxicity.read_toxic_spans, "CC0", test_is_benchmark=True
    ),
    "wiki_annotators": Corpus("toxicity/derived", toxicity.read_wiki_annotators, "CC BY-SA 3.0"),
    "wiki_debias": Corpus("toxicity/wiki_debias", toxicity.read_wiki_debias, "Apache-2.0"),
    "paradetox": Corpus("toxicity/paradetox", toxicity.read_paradetox, UNSTATED),
    "hatemoji": Corpus("toxicity/hatemoji", toxicity.read_hatemoji, "CC BY 4.0"),
    "identity_contrasts": Corpus(
        None, contrasts.read_identity_contrasts, "Apache-2.0, written for this project"
    ),
    "jigsaw_test_balanced": Corpus(
        "toxicity/jigsaw_test_balanced",
        toxicity.read_jigsaw_test_balanced,
        "labels CC0, text CC BY-SA 3.0",
        benchmark=True,
    ),
    "hatecheck": Corpus("toxicity/hatecheck", toxicity.read_hatecheck, "CC BY 4.0", benchmark=True),
    "bias_templates": Corpus(
        "toxicity/bias_templates", toxicity.read_bias_templates, "Apache-2.0", benchmark=True
    ),
    "wiki_fuzzed": Corpus(
        "toxicity/wiki_fuzzed", toxicity.read_wiki_fuzzed, "Apache-2.0", benchmark=True
    ),
    "wiki_context": Corpus(
        "toxicity/wiki_context", toxicity.read_wiki_context, "Apache-2.0", benchmark=True
    ),
}


def checksums(names: Iterable[str], root: Path) -> dict[str, str]:
    """Return the SHA-256 of each corpus folder's files, by folder.

    Parameters
    ----------
    names : iterable of str
        Corpora; several may share a folder.
    root : Path
        Folder that holds the corpora.
    """
    folders = sorted({folder for name in names if (folder := CORPORA[name].folder) is not None})
    return {folder: _checksum(root / folder) for folder in folders}


def _checksum(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
