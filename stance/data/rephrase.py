"""More targets for the same comments: other wordings, the opposite claim, another's target.

A model that meets a topic in one wording alone learns which side is common there. The same
comment beside the opposite claim, with the opposite label, makes it read the target.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from stance.data.claims import AGAINST, CONTRACTED, FOR, VERB, claim_about, is_name, named_in
from stance.data.examples import Example, text_key
from stance.labels import StanceLabel

OPPOSITE: dict[StanceLabel, StanceLabel] = {
    "favor": "against",
    "against": "favor",
    "neutral": "neutral",
}

_TRUE = (
    "It is true that {}",
    "I agree that {}",
    "It is wrong to deny that {}",
    "There is no doubt that {}",
)
_FALSE = (
    "It is not true that {}",
    "It is wrong to say that {}",
    "I doubt that {}",
    "Nobody should believe that {}",
)
# Words that turn a claim into its contrary when one stands for the other.
_ANTONYMS = (
    ("good", "bad"),
    ("better", "worse"),
    ("fair", "unfair"),
    ("safe", "dangerous"),
    ("necessary", "unnecessary"),
    ("effective", "ineffective"),
    ("useful", "useless"),
    ("helpful", "harmful"),
    ("helps", "hurts"),
    ("help", "hurt"),
    ("benefits", "harms"),
    ("legalized", "banned"),
    ("allowed", "forbidden"),
    ("permitted", "prohibited"),
    ("allow", "ban"),
    ("underrated", "overrated"),
    ("moral", "immoral"),
    ("ethical", "unethical"),
    ("acceptable", "unacceptable"),
    ("responsible", "irresponsible"),
    ("support", "oppose"),
    ("protects", "threatens"),
    ("strengthens", "weakens"),
    ("improves", "worsens"),
    ("increases", "reduces"),
    ("encourages", "discourages"),
    ("succeeded", "failed"),
)

_WHOLE = {"ca": "can", "wo": "will"}
_TURNED = {one: other for pair in _ANTONYMS for one, other in (pair, pair[::-1])}
_TURNABLE = re.compile(rf"\b({'|'.join(sorted(_TURNED, key=len, reverse=True))})\b")
_WORD = re.compile(r"\w+")
_TELLING = 4  # letters of a word that says what a target is about


def rephrased(example: Example, shuffle: random.Random) -> Example:
    """Return an example with its target said in another way, often the contrary.

    Parameters
    ----------
    example : Example
        With a target.
    shuffle : random.Random

    Examples
    --------
    >>> bees = Example("They sting!", "made-up", "train", "Bees are useful", "against")
    >>> contrary(bees.target), OPPOSITE[bees.stance]
    ('Bees are not useful', 'favor')
    """
    target = example.target or ""
    flips = shuffle.random() < 0.6  # the contrary teaches more than another wording
    name, is_for = target, True
    if (named := named_in(target)) is not None:
        name, is_for = _lowered(named.name), named.is_for
    if named is not None or is_name(target):
        wording = claim_about(name, shuffle.choice(FOR if is_for != flips else AGAINST))
    elif flips:
        ways = [contrary(target), with_antonym(target)]
        said = shuffle.choice(_FALSE).format(_lowered(target))
        wording = shuffle.choice([way for way in ways if way is not None] + [said])
    else:
        wording = shuffle.choice(_TRUE).format(_lowered(target))
    if not flips or example.stance is None:
        return replace(example, target=wording)
    return replace(example, target=wording, stance=OPPOSITE[example.stance])


def contrary(claim: str) -> str | None:
    """Return a claim with its first verb negated, or no longer negated; None without a verb."""
    short = CONTRACTED.search(claim)
    if short is not None:
        verb = short[2] or _WHOLE.get((short[1] or "ca").lower(), "can")
        return claim[: short.start()] + verb + claim[short.end() :]
    verb_found = VERB.search(claim)
    if verb_found is None:
        return None
    negated = verb_found[1] if verb_found[2] else f"{verb_found[1]} not"
    return claim[: verb_found.start()] + negated + claim[verb_found.end() :]


def with_antonym(claim: str) -> str | None:
    """Return a claim with one judging word replaced by its antonym; None without such a word.

    Examples
    --------
    >>> with_antonym("Bees are useful")
    'Bees are useless'
    """
    found = _TURNABLE.search(claim)
    if found is None:
        return None
    return claim[: found.start()] + _TURNED[found[1]] + claim[found.end() :]


def with_other_targets(
    rows: Sequence[Example], share: float, shuffle: random.Random
) -> list[Example]:
    """Return off-target examples: texts of `rows` beside targets of other rows.

    No word of the target stands in the text or in the text's own targets; those of fewer than four
    letters ("the", "of") count only in a target that has no longer one ("EU", "gun tax").

    Parameters
    ----------
    rows : sequence of Example
        With targets.
    share : float
        How many to make, as a share of the rows.
    shuffle : random.Random
    """
    targets = sorted({row.target for row in rows if row.target})
    own: dict[str, set[str]] = {}
    for row in rows:
        own.setdefault(text_key(row.text), set()).update(_words(row.target or ""))
    made = []
    for row in shuffle.sample(list(rows), min(int(share * len(rows)), len(rows))):
        target = shuffle.choice(targets)
        telling = {word for word in _words(target) if len(word) >= _TELLING} or _words(target)
        if telling and not telling & (_words(row.text) | own[text_key(row.text)]):
            made.append(
                replace(row, target=target, stance="neutral", relevance=0.0, seen_target=None)
            )
    return made


def _lowered(claim: str) -> str:
    """Return a claim as the middle of a sentence: its first letter small, acronyms kept."""
    first = claim.split(" ", 1)[0]
    return claim if first.isupper() else claim[:1].lower() + claim[1:]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
