import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import within

from stance.scoring.targets import choose_targets
from stance.thread import Article, Comment, Thread


def thread(
    article: str | None,
    *comments: str | tuple[str, str],
    title: str | None = None,
    author: str | None = None,
) -> Thread:
    pairs = [("Reader", item) if isinstance(item, str) else item for item in comments]
    return Thread(
        "page.txt",
        "text",
        None if article is None else Article(title, author, text=article),
        tuple(Comment(str(n), text, name) for n, (name, text) in enumerate(pairs, 1)),
    )


def names(article: str | None, *comments: str | tuple[str, str], **rest: str) -> tuple[str, ...]:
    return choose_targets(thread(article, *comments, **rest))


def test_headline_first_then_names_by_how_much_both_speak_of_them() -> None:
    assert names(
        "The tram of Port Ellis will cost more, says Jane Holt. In Port Ellis the Harbour Guild "
        "objects. Nobody in Port Ellis asked Lena Marsh.",
        "Poor Port Ellis.",
        "I trust Jane Holt and Port Ellis.",
        "Does the Harbour Guild pay? Does Jane Holt?",
        "Lena who?",
        "Why not ask the people of Ostrava?",
        title="  A tram for\n Port Ellis ",
    ) == ("A tram for Port Ellis", "Port Ellis", "Jane Holt")


def test_a_name_in_one_of_five_comments_is_too_little_without_an_article() -> None:
    comments = ["We like Marsh.", "We saw Holt.", "I like Holt.", "So what?", "Hm."]
    assert names(None, *comments) == ("Holt",)


def test_at_most_three_and_as_many_as_asked() -> None:
    article = "We saw Anna, Berta, Clara and Dora there."
    page = thread(article, "so Anna, Berta, Clara, Dora", title="Four")
    assert choose_targets(page) == ("Four", "Anna", "Berta", "Clara")
    assert choose_targets(page, names=1) == ("Four", "Anna")
    assert choose_targets(page, names=0) == ("Four",)


@pytest.mark.parametrize(
    ("forms", "shown"),
    [
        ("said Jane Holt. Then Holt left with Holt's dog", "Jane Holt"),
        ("said Mayor Holt. Then Holt left", "Mayor Holt"),
        ("said Mayor Holt. Then Jane Holt left, and Holt came", "Jane Holt"),
        ("in Norvia the Norvians and a Norvian bear", "Norvia"),
        ("for Poland or the Poles or a Polish bear", "Poland"),
        ("from Ukraine the Ukrainians send Ukrainian bread", "Ukraine"),
        ("the European Union says that the EU and the EU’s bank", "EU"),
        ("the European Union says the European Union and the EU", "European Union"),
        ("the U.S. or the US", "U.S."),
        ("by NATO and NATO's staff", "NATO"),
        ("in the Museum of Salt and again the Museum of Salt", "Museum of Salt"),
        (
            "the people of Main Street say that Main Street is a street like any street",
            "Main Street",
        ),
        ("some F-35s and an F-35", "F-35"),
        ("some LLMs and an LLM", "LLM"),
    ],
)
def test_forms_of_one_name_are_folded(forms: str, shown: str) -> None:
    assert names(f"We speak of {forms}.", f"We speak of {forms}.") == (shown,)


def test_two_people_of_one_surname_stay_two() -> None:
    text = "there Jane Holt met Karl Holt."
    assert names(text, text) == ("Jane Holt", "Karl Holt")


def test_much_talk_of_a_country_is_not_about_a_paper_named_after_it() -> None:
    text = "in Norvia and Norvia and Norvia they read Norvia Today."
    assert names(text, text) == ("Norvia", "Norvia Today")


def test_a_name_counts_in_any_case_once_it_is_known() -> None:
    assert names("We hear of Norvia, of Norvia!", "so norvia it is", "NORVIA IS LOUD TODAY") == (
        "Norvia",
    )


@pytest.mark.parametrize(
    "text",
    [
        "However, it rained. Nobody came. Tomorrow is fine.",
        "THIS IS A DISGRACE FOR ALL OF US. STOP THE MAYOR NOW.",
        "it rained on Monday in May, and I said OK, LOL.",
        "so I'm sure I'll go, and I’ve a TV.",
        "We saw the Mayor and the President.",
        "Ten Simple Ways To Grow Better Beans",
        "we met the mayor. Mayor or not, mayor is no name. The Mayor said so.",
        "it is STUPID, stupid I say.",
        "",
    ],
)
def test_what_is_no_name(text: str) -> None:
    assert names(text or None, text, text) == ()


def test_titles_and_sentence_starts_are_cut_from_runs() -> None:
    text = (
        "Yesterday Holt sang. So Holt and Marsh. "
        "Close Main Street now, and let Main Street be still."
    )
    assert set(names(text, text)) == {"Holt", "Main Street", "Marsh"}


def test_those_who_write_are_no_targets() -> None:
    comments = [("Ann Lee", "To Bo: no."), ("Bo", "so Ann Lee and Ann are wrong on Holt")]
    assert names(None, *comments) == ("Holt",)
    assert names("as Bo Peep wrote of Holt", *comments, author="Bo Peep") == ("Holt",)
    assert "Bo" in names("we like Bo, and Bo sings of Holt", *comments)


def test_german_nouns_are_no_names() -> None:
    text = (
        "Am Morgen kam der Bus mit dem Hund und der Katze über die Brücke, und ein Kind rief dem "
        "Fahrer zu, dass die Tür der Bäckerei offen sei. "
    )
    assert names(text * 4, text, text, title="Der Bus") == ("Der Bus",)


def test_nothing_to_go_by() -> None:
    assert choose_targets(Thread("page", "text")) == ()
    assert names("", "", title="  ") == ()


def test_a_headline_that_is_a_name_stands_once() -> None:
    assert names("We saw Port Ellis.", "poor Port Ellis", title="Port Ellis") == ("Port Ellis",)


@given(st.lists(st.text(max_size=60), max_size=6), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_the_same_few_targets_each_time(comments: list[str], article: str) -> None:
    page = thread(article, *comments, title=article[:9])
    targets = choose_targets(page)
    assert targets == choose_targets(page)
    assert len(targets) <= 4
    assert len(set(targets)) == len(targets)
    assert all(target.strip() for target in targets)


def test_a_huge_thread_takes_seconds() -> None:
    filler = (
        "and all of this was said before by one or the other of those who were there at the time"
    )
    comments = [f"So Holt met Name{n % 997} in Port Ellis {filler}." for n in range(20_000)]
    assert within(20, lambda: names(None, *comments))[:2] == ("Holt", "Port Ellis")


@pytest.mark.parametrize("text", ["A " * 100_000, "of " * 100_000, "A.B." * 50_000, "A'" * 50_000])
def test_hostile_text_takes_linear_time(text: str) -> None:
    within(10, lambda: choose_targets(thread(text, text)))
