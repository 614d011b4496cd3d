"""Which targets does a thread speak about: its headline, and the names most spoken of.

Names are found by their capitals, without a model: a word counts as a name where it is capitalised
inside sentences more often than it is written small, so words that begin a sentence, shouting and
title-cased lines tell nothing. Forms of one name are then folded together ("Russia", "Russians",
"Russian"; "Mayor Holt", "Jane Holt", "Holt"; "EU", "European Union"), and each name is ranked by
how much of the article and how many of the comments mention it in any of its forms.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stance.thread import Thread

Key = tuple[str, ...]  # the words of a name, folded

MAX_CHARS = 1_000_000  # of comments that are looked at: more do not change who is spoken of most
MAX_CANDIDATES = 300
# German capitalises all nouns, so there capitals do not tell names. Of 87 pages, all German ones of
# some length have more capitals than this among the words inside sentences, all English ones less.
MAX_CAPITALISED = 0.17
MIN_WORDS = 100

_WORD = re.compile(r"(?:[A-Z]\.){2,}|\w+(?:[-'’&]\w+)*")
_SENTENCE_END = re.compile(r"[.!?:;…\n“„«\"•*|]")
_POSSESSIVE = re.compile(r"['’]s?$")
_LINKS = frozenset({"of", "de", "da", "del", "di", "du", "van", "von", "bin", "al"})
_ARTICLES = frozenset({"the", "la", "le", "der", "den"})
_TITLES = frozenset(  # a text reads better than a list of some forty strings
    """mr mrs ms miss dr prof professor sir lady lord dame president chancellor premier minister
    secretary senator sen representative rep congressman congresswoman governor gov mayor
    councillor councilman councilwoman councilor alderman judge justice general gen colonel col
    captain capt major sergeant sgt lieutenant lt admiral king queen prince princess pope father
    reverend rev bishop chief prime vice deputy ex former st""".split()  # noqa: SIM905
)
# Capitalised without being the name of somebody or something one can be for or against.
_NO_NAMES = frozenset(
    """i i'm i’m i've i’ve i'd i’d i'll i’ll
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri
    sat sun am pm ad bc ok okay lol omg wtf imo imho btw fyi ps p.s tv edit update nb re vs aka
    asap diy faq url http https www yes no oh ah hey hi hello thanks thank dear god jesus christ
    gods lord sir madam mr mrs ms dr the a an and or but if so not as at by for from in into is it
    its of on to we you he she they them us our your his her their this that these those there
    here what who whom whose which when where why how all any some more most never ever always
    just only even also too very then than do does did don't don’t can can't can’t will would
    should could must let now well maybe perhaps because while after before since until during
    however meanwhile please sorry sure right wrong good bad great nice new old first last next
    one two three every each both many much such same other another my me be been being are was
    were has have had internet web online""".split()  # noqa: SIM905
)
_IRREGULAR = {
    "polish": "poland", "pole": "poland", "french": "france", "dutch": "netherlands",
    "swiss": "switzerland", "british": "britain", "briton": "britain", "brit": "britain",
    "spanish": "spain", "spaniard": "spain", "turkish": "turkey", "turk": "turkey",
    "swedish": "sweden", "swede": "sweden", "danish": "denmark", "dane": "denmark",
    "greek": "greece", "irish": "ireland", "english": "england", "welsh": "wales",
    "scottish": "scotland", "scot": "scotland", "finnish": "finland", "finn": "finland",
    "german": "germany", "norwegian": "norway", "portuguese": "portugal", "czech": "czechia",
    "afghan": "afghanistan", "thai": "thailand", "filipino": "philippines", "serb": "serbia",
    "croat": "croatia", "kurd": "kurdistan", "kurdish": "kurdistan", "hungarian": "hungary",
    "slovak": "slovakia", "icelandic": "iceland", "belgian": "belgium", "peruvian": "peru",
}  # fmt: skip
_ENDINGS = ("n", "an", "ian", "ean", "ese", "i", "ish")


def choose_targets(thread: Thread, names: int = 3) -> tuple[str, ...]:
    """Return the targets to score a thread against where the user names none.

    Parameters
    ----------
    thread : Thread
    names : int
        At most so many names, the most spoken of first. Where there is an article, only names
        that the article and the comments mention; in threads of five comments or more, only names
        that two comments mention.

    Returns
    -------
    tuple of str
        The headline as a claim, where there is one, then the names. May be empty.

    Examples
    --------
    >>> from stance.thread import Article, Comment
    >>> article = Article("Harbour to get a tram", text="The plan of Mayor Holt for Port Ellis.")
    >>> comments = (Comment("1", "Who elected Holt?"), Comment("2", "Not me. Poor Port Ellis!"))
    >>> choose_targets(Thread("page", "text", article, comments))
    ('Harbour to get a tram', 'Mayor Holt', 'Port Ellis')
    """
    article = thread.article
    title = " ".join(article.title.split()) if article and article.title else ""
    article_text = _read(article.text[:MAX_CHARS]) if article and article.text.strip() else None
    comments = [_read(text) for text in _sample([comment.text for comment in thread.comments])]
    ranked = _ranked_names(article_text, comments, _people(thread))
    chosen = [title, *ranked[: max(names, 0)]]
    distinct = {target.casefold(): target for target in reversed(chosen) if target}
    return tuple(reversed(distinct.values()))


def _sample(texts: Sequence[str]) -> Iterator[str]:
    """Yield all texts, or every so many of them where they are very long together."""
    step = 1 + sum(map(len, texts)) // MAX_CHARS
    return (text[:MAX_CHARS] for text in texts[::step])


# Words


class Word(NamedTuple):
    """A word as written, and where it stands.

    `key`: the word folded; a short acronym keeps its capitals, or "US" would be "us".
    `joined`: only a space parts it from the word before. `initial`: it begins a sentence.
    `telling`: its capitals mean something, since its sentence is neither shouted nor title-cased.
    """

    text: str
    key: str
    joined: bool
    initial: bool
    telling: bool

    @property
    def capitalised(self) -> bool:
        """Whether it begins with a capital."""
        return self.text[0].isupper()


@dataclass(frozen=True, slots=True)
class ReadText:
    """The words of a text, and the text in folded words parted by single spaces."""

    words: tuple[Word, ...]
    folded: str


def _read(text: str) -> ReadText:
    words: list[Word] = []
    for sentence in _sentences(text):
        telling = not _is_shouted(sentence) and not _is_title_cased(sentence)
        words += (
            Word(word, _word_key(word, telling), joined, number == 0, telling)
            for number, (word, joined) in enumerate(sentence)
        )
    return ReadText(tuple(words), f" {' '.join(word.key for word in words)} ")


def _word_key(word: str, telling: bool) -> str:
    key = _fold(word)
    return key.upper() if telling and len(key) <= 3 and _is_acronym(word) else key


def _sentences(text: str) -> Iterator[list[tuple[str, bool]]]:
    """Yield the sentences of a text as words, each with whether a space alone stands before it."""
    sentence: list[tuple[str, bool]] = []
    end = 0
    for match in _WORD.finditer(text):
        gap = text[end : match.start()]
        after_title = gap.strip() == "." and sentence and sentence[-1][0].lower() in _TITLES
        if sentence and _SENTENCE_END.search(gap) and not after_title:
            yield sentence
            sentence = []
        sentence.append((match.group(), gap == " " or bool(after_title)))
        end = match.end()
    if sentence:
        yield sentence


def _is_shouted(sentence: Sequence[tuple[str, bool]]) -> bool:
    words = [word for word, _ in sentence if len(word) > 1 and word.isalpha()]
    return len(words) >= 2 and sum(map(str.isupper, words)) > 0.6 * len(words)


def _is_title_cased(sentence: Sequence[tuple[str, bool]]) -> bool:
    capitals = [word[0].isupper() for word, _ in sentence]
    of_long_words = [word[0].isupper() for word, _ in sentence if len(word) > 3]
    return (
        len(of_long_words) >= 4
        and sum(of_long_words) > 0.8 * len(of_long_words)
        and sum(capitals) > 0.55 * len(capitals)
    )


def _is_acronym(word: str) -> bool:
    letters = word.replace(".", "")
    return 2 <= len(letters) <= 6 and letters.isalpha() and letters.isupper()


def _is_no_name(key: str) -> bool:
    return key.casefold() in _NO_NAMES and key != "US"


def _fold(word: str) -> str:
    """Return a word without case, possessive ending and full stops."""
    folded = word.casefold()
    return folded if folded.isalpha() else _POSSESSIVE.sub("", folded).replace(".", "")


# Candidates


@dataclass(slots=True)
class Candidate:
    """A name in one form: how often it is written so, and how it is spelt."""

    key: Key
    count: int = 0
    spellings: Counter[str] = field(default_factory=Counter)

    @property
    def spelling(self) -> str:
        """The most frequent spelling."""
        return max(self.spellings, key=lambda form: self.spellings[form])


def _candidates(texts: Sequence[ReadText]) -> dict[Key, Candidate]:
    capitalised, small = _word_counts(texts)
    words = capitalised.total() + small.total()
    if words >= MIN_WORDS and capitalised.total() > MAX_CAPITALISED * words:
        return {}

    def is_name(key: str) -> bool:
        return not _is_no_name(key) and capitalised[key] > small[key]

    runs = [run for text in texts for run in _runs(text.words)]
    inside = Counter(_key(run) for run in runs if not run[0].initial)
    candidates: dict[Key, Candidate] = {}
    for run in runs:
        for part in _parts(run, inside):
            if part[0].initial and not is_name(part[0].key) and not inside[_key(part)]:
                part = part[1:]
            part = _trimmed(part)
            if part and (len(part) > 1 or _may_stand_alone(part[0], is_name(part[0].key))):
                candidate = candidates.setdefault(_key(part), Candidate(_key(part)))
                candidate.count += 1
                candidate.spellings[_spelling(part)] += 1
    most = sorted(candidates.values(), key=lambda candidate: -candidate.count)[:MAX_CANDIDATES]
    return {candidate.key: candidate for candidate in most}


def _word_counts(texts: Iterable[ReadText]) -> tuple[Counter[str], Counter[str]]:
    """Count, for each folded word, how often it is capitalised inside a sentence, and small."""
    capitalised: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for text in texts:
        for word in text.words:
            if word.text[0].islower():
                small[word.key] += 1
            elif word.telling and not word.initial and word.capitalised:
                capitalised[word.key] += 1
    return capitalised, small


def _runs(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Yield the longest runs of capitalised words, with linking words between them."""
    run: list[Word] = []
    links: list[Word] = []
    for word in words:
        goes_on = bool(run) and word.joined and not _POSSESSIVE.search((links or run)[-1].text)
        if word.telling and word.capitalised:
            if goes_on:
                run += links
            elif run:
                yield run
                run = []
            run.append(word)
            links = []
        elif goes_on and word.text in (_ARTICLES if links else _LINKS) and len(links) < 2:
            links.append(word)
        elif run:
            yield run
            run, links = [], []
    if run:
        yield run


def _parts(run: Sequence[Word], inside: Mapping[Key, int]) -> Iterator[Sequence[Word]]:
    """Split a run at its linking words unless it recurs as a whole ("Bank of England")."""
    if inside[_key(run)] >= 2 or all(word.capitalised for word in run):
        yield run
        return
    start = 0
    for number, word in enumerate(run):
        if not word.capitalised:
            if start < number:
                yield run[start:number]
            start = number + 1
    yield run[start:]


def _trimmed(part: Sequence[Word]) -> Sequence[Word]:
    """Cut off words at both ends that no name begins or ends with."""
    while part and _is_no_name(part[0].key):
        part = part[1:]
    while part and _is_no_name(part[-1].key):
        part = part[:-1]
    return part


def _may_stand_alone(word: Word, is_name: bool) -> bool:
    if not is_name or word.key in _TITLES or len(word.key) < 2:
        return False
    return not word.text.isupper() or _is_acronym(word.text) or any(map(str.isdigit, word.text))


def _key(words: Sequence[Word]) -> Key:
    return tuple(word.key for word in words)


def _spelling(words: Sequence[Word]) -> str:
    return _POSSESSIVE.sub("", " ".join(word.text for word in words))


# Forms of one name


@dataclass(slots=True)
class Name:
    """A name in all its forms; the first is the one to show."""

    forms: list[Candidate]

    @property
    def shown(self) -> str:
        """The spelling to show."""
        return self.forms[0].spelling


def _names(candidates: Mapping[Key, Candidate]) -> list[Name]:
    shown_as: dict[Key, Key] = {}
    for key in candidates:
        shown = _longer_form(key, candidates)
        if shown is not None:
            shown_as[key] = shown
    names: dict[Key, Name] = {}
    for key, candidate in candidates.items():
        top = _followed(key, shown_as)
        name = names.setdefault(top, Name([candidates[top]]))
        if key != top:
            name.forms.append(candidate)
    return list(names.values())


def _followed(key: Key, shown_as: Mapping[Key, Key]) -> Key:
    seen = {key}
    while (longer := shown_as.get(key)) is not None and longer not in seen:
        seen.add(longer)
        key = longer
    return key


def _longer_form(key: Key, candidates: Mapping[Key, Candidate]) -> Key | None:
    """Return the form of the same name to show instead, or None where `key` is the one."""
    if len(key) == 1:
        return (
            _singular(key[0], candidates)
            or _place(key[0], candidates)
            or _spelt_out(key[0], candidates)
            or _full_name(key, candidates)
        )
    if key[0] in _TITLES:
        return _full_name(key, candidates)
    return _acronym(key, candidates)


def _singular(word: str, candidates: Mapping[Key, Candidate]) -> Key | None:
    stems = [word[:-1]] if word.endswith("s") else []
    stems += [word[:-2]] if word.endswith("es") else []
    forms = [(form,) for stem in stems for form in (stem, stem.upper())]
    return next((form for form in forms if form in candidates), None)


def _place(word: str, candidates: Mapping[Key, Candidate]) -> Key | None:
    """Return the place that a word such as "polish", "poles" or "ukrainian" belongs to."""
    for form in (word, word.removesuffix("s")):
        if (known := (_IRREGULAR.get(form, ""),)) in candidates:
            return known
        for ending in _ENDINGS:
            stem = form.removesuffix(ending)
            if stem == form or len(stem) < 4:
                continue
            for place in (stem, f"{stem}e", f"{stem}a", f"{stem}y", f"{stem}o", f"{stem}land"):
                if (place,) in candidates and place != word:
                    return (place,)
    return None


def _spelt_out(acronym: str, candidates: Mapping[Key, Candidate]) -> Key | None:
    """Return the long form that an acronym stands for, where it is the more frequent one."""
    own = candidates[acronym,]
    if not _is_acronym(own.spelling):
        return None
    for key, candidate in candidates.items():
        if _initials(key) == acronym and candidate.count > own.count:
            return key
    return None


def _acronym(key: Key, candidates: Mapping[Key, Candidate]) -> Key | None:
    short = candidates.get((_initials(key),))
    if short and _is_acronym(short.spelling) and short.count >= candidates[key].count:
        return short.key
    return None


def _initials(key: Key) -> str:
    """Return the acronym of a long name, folded as `Word.key` folds it."""
    if len(key) == 1:
        return ""
    letters = "".join(word[0] for word in key if word not in _LINKS | _ARTICLES)
    return letters.upper() if len(letters) <= 3 else letters.lower()


def _full_name(key: Key, candidates: Mapping[Key, Candidate]) -> Key | None:
    """Return the longer form of a surname, of a title with a surname, or of a first word.

    None where several longer forms could be meant, such as the two Koreas.
    """
    last = key[-1]
    by_last = [
        other for other in candidates if len(other) > 1 and other[-1] == last and other != key
    ]
    full = [other for other in by_last if other[0] not in _TITLES]
    if len(full) == 1:
        return full[0]
    titled = [other for other in by_last if other[0] in _TITLES]
    if not full and titled and len(key) == 1:
        return max(titled, key=lambda other: candidates[other].count)
    if by_last or len(key) > 1:
        return None
    by_first = [other for other in candidates if len(other) > 1 and other[0] == key[0]]
    # "Sarah" is Sarah White, but much talk of Russia is not about Russia Today.
    if len(by_first) == 1 and candidates[by_first[0]].count >= candidates[key].count:
        return by_first[0]
    return None


# Ranking


def _ranked_names(
    article: ReadText | None, comments: Sequence[ReadText], people: "_People"
) -> list[str]:
    texts = [*([article] if article else []), *comments]
    at_least = 2 if len(comments) >= 5 else 1
    found = []
    for name in _names(_candidates(texts)):
        patterns = [f" {' '.join(form.key)} " for form in name.forms]
        in_article = sum(article.folded.count(form) for form in patterns) if article else 0
        in_comments = sum(any(form in text.folded for form in patterns) for text in comments)
        if in_comments < at_least or (article and not in_article):
            continue
        if not people.holds(name, in_article > 0):
            found.append((name.shown, max(in_article, 1), in_comments))
    # The product ranks as the geometric mean does; what is only in one of them has no chance.
    found.sort(key=lambda entry: (-entry[1] * entry[2], -entry[2], entry[0]))
    return [shown for shown, _, _ in found]


@dataclass(frozen=True, slots=True)
class _People:
    """Folded names of those who write: commenters by full and first name, and the article's."""

    commenters: frozenset[str]
    writer: frozenset[str]

    def holds(self, name: Name, in_article: bool) -> bool:
        forms = {" ".join(form.key).casefold() for form in name.forms}
        return bool(forms & self.writer) or (not in_article and bool(forms & self.commenters))


def _people(thread: Thread) -> _People:
    commenters: set[str] = set()
    for comment in thread.comments:
        words = [_fold(word) for word in _WORD.findall(comment.author or "")]
        commenters |= {" ".join(words), *words[:1]}
    author = thread.article.author if thread.article else None
    words = [_fold(word) for word in _WORD.findall(author or "")]
    return _People(frozenset(commenters - {""}), frozenset({" ".join(words), *words[-1:]} - {""}))
