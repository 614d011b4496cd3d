"""Claims about a thing: made from its name, and what a claim names and on which side it stands.

Who favors the thing agrees with one kind of claim and disagrees with the other, so a comment whose
stance to the thing is known has a stance to every claim here. Claims come in many forms, for a
model that meets few takes their words, or a negation, for the stance of the comment.
"""

import re
from dataclasses import dataclass

# {} is the name; a form in brackets, "[is|are]", follows its number. Negated claims stand on both
# sides, or a model learns that "not" means disagreement.
FOR = (
    "Support for {}",
    "In favor of {}",
    "In defense of {}",
    "The case for {}",
    "Yes to {}",
    "Keep {}",
    "Protect {}",
    "Bring back {}",
    "Expand {}",
    "Invest in {}",
    "Don't ban {}",
    "Don't blame {}",
    "Do not give up on {}",
    "Let people have {}",
    "We need {}",
    "We can't do without {}",
    "We should be grateful for {}",
    "We should not be afraid of {}",
    "We are better off with {}",
    "{} [is|are] a good thing",
    "{} [is|are] good for us",
    "{} [is|are] not a bad thing",
    "{} [is|are] not dangerous",
    "{} [is|are] not overrated",
    "{} [is|are] not to blame",
    "{} [is|are] not the problem",
    "{} [is|are] worth it",
    "{} [is|are] worth every penny",
    "{} [is|are] working",
    "{} [is|are] fair",
    "{} [is|are] harmless",
    "{} [is|are] necessary",
    "{} [is|are] justified",
    "{} [is|are] the right answer",
    "{} [is|are] the best way",
    "{} [is|are] better than the alternative",
    "{} [does|do] more good than harm",
    "{} [does|do] not hurt anybody",
    "{} [does|do] not go too far",
    "{} [helps|help] people",
    "{} [works|work] well",
    "{} [saves|save] money",
    "{} [makes|make] life better",
    "{} [makes|make] us stronger",
    "{} [solves|solve] more problems than [it causes|they cause]",
    "{} [deserves|deserve] support",
    "{} [deserves|deserve] a chance",
    "{} [deserves|deserve] more respect",
    "{} [has|have] not failed",
    "{} [has|have] done a lot of good",
    "{} [has|have] changed the world for the better",
    "{} can be trusted",
    "{} can succeed",
    "{} can't be replaced",
    "{} will pay off",
    "{} will not harm us",
    "{} should be supported",
    "{} should be encouraged",
    "{} should be allowed",
    "{} should be legal",
    "{} should be expanded",
    "{} should stay",
    "{} should not be abandoned",
    "{} should not be banned",
    "{} should not be limited",
    "{} should never be abolished",
    "{} must be protected",
    "There is nothing wrong with {}",
    "There is a place for {}",
    "There is no reason to fear {}",
    "People are wrong to oppose {}",
    "The critics of {} are wrong",
    "The benefits of {} outweigh the costs",
    "The fears about {} are exaggerated",
    "Society benefits from {}",
    "Nobody should be against {}",
    "Without {} we would be worse off",
    "It would be a mistake to abandon {}",
    "It is right to stand up for {}",
)
AGAINST = (
    "Opposition to {}",
    "Against {}",
    "The case against {}",
    "The trouble with {}",
    "No to {}",
    "Ban {}",
    "Abolish {}",
    "End {}",
    "Get rid of {}",
    "Limit {}",
    "Stop {} now",
    "Don't support {}",
    "Do not invest in {}",
    "Don't trust {}",
    "Let us do without {}",
    "Time to give up on {}",
    "We do not need {}",
    "We don't need {}",
    "We should say no to {}",
    "We should be afraid of {}",
    "We are better off without {}",
    "{} [is|are] a bad thing",
    "{} [is|are] bad for us",
    "{} [is|are] not a good thing",
    "{} [is|are] dangerous",
    "{} [is|are] overrated",
    "{} [is|are] to blame",
    "{} [is|are] the problem",
    "{} [is|are] not worth it",
    "{} [is|are] a waste of money",
    "{} [is|are] not working",
    "{} [is|are] unfair",
    "{} [is|are] harmful",
    "{} [is|are] unnecessary",
    "{} [is|are] not justified",
    "{} [is|are] not the answer",
    "{} [is|are] not the best way",
    "{} [is|are] worse than the alternative",
    "{} [does|do] more harm than good",
    "{} [does|do] not help anybody",
    "{} [does|do] not make sense",
    "{} [hurts|hurt] people",
    "{} [exploits|exploit] people",
    "{} [makes|make] life worse",
    "{} [makes|make] us weaker",
    "{} [causes|cause] more problems than [it solves|they solve]",
    "{} [deserves|deserve] no support",
    "{} [goes|go] too far",
    "{} [threatens|threaten] us all",
    "{} [has|have] failed",
    "{} [has|have] done a lot of damage",
    "{} [has|have] outlived [its|their] purpose",
    "{} can't be trusted",
    "{} can never succeed",
    "{} can easily be replaced",
    "{} will kill jobs",
    "{} will harm us",
    "{} should not be supported",
    "{} should be discouraged",
    "{} should not be allowed",
    "{} should be illegal",
    "{} should be cut back",
    "{} should be stopped",
    "{} should be banned",
    "{} should be limited",
    "{} should be abolished",
    "{} must be resisted",
    "There is something wrong with {}",
    "There is no place for {}",
    "There is good reason to fear {}",
    "People are right to oppose {}",
    "The critics of {} are right",
    "The costs of {} outweigh the benefits",
    "The dangers of {} are real",
    "Society suffers from {}",
    "Nobody should be for {}",
    "Without {} we would be better off",
    "It would be a mistake to keep {}",
    "It is right to stand up against {}",
)

_FORMS = re.compile(r"\[([^|\]]*)\|([^\]]*)\]")
_PLURAL = frozenset({"children", "men", "people", "police", "women"})
_SINGULAR_ENDINGS = ("ss", "us", "is", "ics", "news", "aids", "diabetes", "texas", "united states")
_PREPOSITION = re.compile(r"\b(?:of|in|for|on|to|from|with|without|by|against|as|between)\b")

# Who is against such a policy is against the thing itself, and who is for it, for the thing: not so
# with paying for it, or with having less of it.
_VERB_FOR = (
    "adopt|allow|build|encourage|enforce|fight for|implement|introduce|legali[sz]e|permit|promote|"
    "support"
)
_VERB_AGAINST = (
    "abandon|abolish|ban|cancel|close|criminali[sz]e|disband|end|fight|forbid|oppose|outlaw|"
    "prohibit|reject|scrap|stop"
)
_DONE_FOR = "adopted|allowed|encouraged|introduced|legal|legali[sz]ed|permitted|promoted|supported"
_DONE_AGAINST = (
    "abandoned|abolished|a criminal offence|banned|closed|criminali[sz]ed|forbidden|illegal|"
    "outlawed|prohibited|scrapped|stopped"
)
# Each names a thing in `name`. The claim stands against it where the group `against` is there, else
# for it; `negated` turns that round.
_NAMING = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:(?:we|the government|governments|states) (?:should|must)|this house (?:should|would))"
        rf"(?P<negated> not| never)? (?:{_VERB_FOR}|(?P<against>{_VERB_AGAINST})) (?P<name>.+)",
        # Of verbs alone those that are no noun: "close friends" closes nothing.
        r"(?:legali[sz]e|(?P<against>abolish|ban|criminali[sz]e|outlaw|prohibit|scrap)) "
        r"(?P<name>.+)",
        r"we(?P<against> do not| don't)? need (?P<name>.+)",
        r"(?P<name>.+?) (?:should|must)(?P<negated> not| never)? be "
        rf"(?:{_DONE_FOR}|(?P<against>{_DONE_AGAINST}))",
        r"(?P<name>.+?) (?:brings?|does|do|causes?) more "
        r"(?:good than harm|(?P<against>harm than good))",
    )
)
_PREFIX = re.compile(r"\A(?:this house believes|it is (?:true|right)) (?:that )?", re.IGNORECASE)

VERB = re.compile(
    r"\b(should|is|are|was|were|can|could|will|would|must|has|have|does|do)( not)?\b",
    re.IGNORECASE,
)
CONTRACTED = re.compile(
    r"\b(?:(ca|wo)n't|cannot|(should|is|are|was|were|could|would|must|has|have|does|do)n't)\b",
    re.IGNORECASE,
)
# How a sentence of few words begins, or its verb.
_SENTENCE = re.compile(
    r"\A(?:we|not|let|it|no|don't)\b|"
    r".\b(?:(?:belong|encourage|protect)s?|(?:cause|harm|help|hurt|make|need|save)s)\b",
    re.IGNORECASE,
)
# What shows that words cut from a claim are more than a name.
_MORE = re.compile(
    rf"\A{_PREPOSITION.pattern}|"
    r"\b(?:to|now|from|out|off|away|down|back|up|it|them|this|that|not|never|no|nobody|nothing|"
    r"neither|nor|none|few|only|more|i|who|why|if|because|but|think|says?)\b|n't|[,?]",
    re.IGNORECASE,
)
_LONGEST_CLAIM = 200  # characters
_LONGEST_NAME = 4  # words; a longer phrase says something
_LONGEST_CUT = 6  # words of a name that the rest of a claim shows to be one


@dataclass(frozen=True, slots=True)
class Named:
    """What a claim is about.

    Parameters
    ----------
    name : str
    is_for : bool
        Whether who agrees with the claim favors what is named.
    """

    name: str
    is_for: bool


def claim_about(name: str, form: str) -> str:
    """Return one of `FOR` or `AGAINST` said of a name.

    Examples
    --------
    >>> claim_about("honey bees", "{} [is|are] not overrated")
    'Honey bees are not overrated'
    >>> claim_about("the tram to Wendle", "We don't need {}")
    "We don't need the tram to Wendle"
    """
    number = 2 if is_plural(name) else 1
    said = _FORMS.sub(lambda found: found[number], form).format(name)
    return said[:1].upper() + said[1:]


def is_plural(name: str) -> bool:
    """Guess whether a name stands for many, by the word that its first part ends in.

    Examples
    --------
    >>> is_plural("taxes on sugar"), is_plural("gun control"), is_plural("politics")
    (True, False, False)
    """
    head = _PREPOSITION.split(name.lower())[0].strip()
    many = head.endswith("s") and not head.endswith(_SINGULAR_ENDINGS)
    return many or " and " in head or head.split(" ")[-1] in _PLURAL


def named_in(claim: str) -> Named | None:
    """Return what a claim names, if it is of a form that tells on which side it stands.

    Examples
    --------
    >>> named_in("We should not ban honey bees")
    Named(name='honey bees', is_for=True)
    >>> named_in("Trams are late") is None
    True
    """
    plain = _PREFIX.sub("", claim.strip().rstrip(".!"), count=1)
    if len(plain) > _LONGEST_CLAIM:
        return None
    for pattern in _NAMING:
        found = pattern.fullmatch(plain)
        if found is not None and _is_cut_name(found["name"]):
            groups = found.groupdict()
            is_for = (groups["against"] is None) != (groups.get("negated") is not None)
            return Named(found["name"], is_for)
    return None


def is_name(words: str) -> bool:
    """Tell whether words may well name a thing, rather than say something.

    Examples
    --------
    >>> is_name("honey bees"), is_name("Eating honey helps")
    (True, False)
    """
    return len(words.split()) <= _LONGEST_NAME and not _says_something(words)


def _is_cut_name(words: str) -> bool:
    is_short = len(words.split()) <= _LONGEST_CUT
    return is_short and not _says_something(words) and not _MORE.search(words)


def _says_something(words: str) -> bool:
    return any(form.search(words) is not None for form in (VERB, CONTRACTED, _SENTENCE))
