from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import within

from stance.parsing.dates import find_time, guess_day_first, is_relative_time, parse_time

NOW = datetime(2021, 10, 15, 17, 35)


@pytest.mark.parametrize(
    "text",
    [
        "October 15, 2021 at 5:35 pm",
        "Oct 15th, 2021 @ 5:35pm",
        "Friday, October 15, 2021, 17:35",
        "15th of October, 2021 at 5:35 p.m.",
        "5:35 PM - 15 Oct 2021",
        "17:35, 15 October 2021",
        "15-Oct-2021 17:35",
        "2021-10-15 17:35",
        "2021/10/15 at 17:35",
        "10/15/2021 5:35 PM",
        "15/10/2021 17:35",
        "15.10.21 17:35",
        "15. Oktober 2021 um 17:35 Uhr",
        "Fr, 15.10.2021 - 17.35",
        "le 15 octobre 2021 à 17h35",
        "15 octobre 2021 à 17 h 35 min",
        "15 de octubre de 2021 a las 17:35",
        "15 de outubro de 2021 às 17h35",
        "15 ottobre 2021 alle ore 17.35",
        "vrijdag 15 oktober 2021 om 17:35",
        "15 października 2021 o 17:35",
        "15 октября 2021 г. в 17:35",
        "15 жовтня 2021 о 17:35",
        "den 15 oktober 2021 kl. 17:35",
        "15. oktober 2021 kl. 17.35",
        "15. října 2021 v 17.35",
        "15 Ekim 2021 17:35",
        "15 lokakuuta 2021 klo 17.35",
        "2021. október 15. 17:35",
        "15 octombrie 2021, 17:35",
        "2021年10月15日(金) 午後5時35分",
        "2021년 10월 15일 오후 5:35",
        "15 באוקטובר 2021 בשעה 17:35",  # known to dateparser alone
    ],
)
def test_a_time_is_read_in_many_languages_and_orders(text: str) -> None:
    assert parse_time(text) == "2021-10-15T17:35"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-10-15", "2021-10-15"),
        ("15 Oct 2021", "2021-10-15"),
        ("2021-10-15T17:35:20+02:00", "2021-10-15T17:35:20+02:00"),
        ("2021-10-15T17:35:20.123Z", "2021-10-15T17:35:20+00:00"),
        ("2021-10-15 17:35 -0430", "2021-10-15T17:35-04:30"),
        ("Fri, 15 Oct 2021 17:35:00 GMT", "2021-10-15T17:35:00+00:00"),
        ("Fri Oct 15 17:35:00 EDT 2021", "2021-10-15T17:35:00-04:00"),
        ("Oct 15, 2021 12:05 am", "2021-10-15T00:05"),
        ("Oct 15, 2021 12:05 pm", "2021-10-15T12:05"),
    ],
)
def test_precision_and_offset_are_those_of_the_text(text: str, expected: str) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "Ada", "version 1.2.10", "1.2.2010.5", "October 2021", "page 3 of 12", "31.02.2021",
     "Chapter 3 of 2021", "We met 3 people in may 12 went home"],
)  # fmt: skip
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text, now=NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just now", "2021-10-15T17:35"),
        ("3 hours ago", "2021-10-15T14:35"),
        ("an hour ago", "2021-10-15T16:35"),
        ("3h", "2021-10-15T14:35"),
        ("hace 28 minutos", "2021-10-15T17:07"),
        ("3時間前", "2021-10-15T14:35"),
        ("vor 2 Tagen", "2021-10-13"),
        ("il y a 2 jours", "2021-10-13"),
        ("há 2 dias", "2021-10-13"),
        ("2 giorni fa", "2021-10-13"),
        ("2 dagen geleden", "2021-10-13"),
        ("2 dni temu", "2021-10-13"),
        ("2 дня назад", "2021-10-13"),
        ("2 дні тому", "2021-10-13"),
        ("för 2 dagar sedan", "2021-10-13"),
        ("for 2 dager siden", "2021-10-13"),
        ("před 2 dny", "2021-10-13"),
        ("2 gün önce", "2021-10-13"),
        ("gestern", "2021-10-14"),
        ("Yesterday, 5:35 PM", "2021-10-14T17:35"),
        ("hier à 9h05", "2021-10-14T09:05"),
        ("1 year 2 months ago", "2020-08-15"),
        ("Oct 20 at 5:35 pm", "2020-10-20T17:35"),
    ],
)
def test_relative_times_need_a_reference(text: str, expected: str) -> None:
    assert parse_time(text) is None
    assert parse_time(text, now=NOW) == expected


def test_a_month_back_from_its_last_day_is_the_last_day_of_the_month_before() -> None:
    assert parse_time("1 month ago", now=datetime(2021, 3, 31)) == "2021-02-28"


def test_the_offset_of_the_reference_is_kept() -> None:
    now = NOW.replace(tzinfo=timezone(timedelta(hours=2)))
    assert parse_time("3 hours ago", now=now) == "2021-10-15T14:35+02:00"


def test_only_relative_times_are_called_relative() -> None:
    assert is_relative_time("vor einer Stunde")
    assert is_relative_time("gestern")
    assert not is_relative_time("15. Oktober 2021")
    assert not is_relative_time("Ada")


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("3/4/2021", None, "2021-04-03"),
        ("3/4/2021 5:35 PM", None, "2021-03-04T17:35"),
        ("3/4/2021", False, "2021-03-04"),
        ("3.4.2021", None, "2021-04-03"),
        ("3/14/2021", True, "2021-03-14"),
    ],
)
def test_the_order_of_day_and_month(text: str, day_first: bool | None, expected: str) -> None:
    assert parse_time(text, day_first=day_first) == expected


def test_the_order_of_a_page_is_learnt_from_the_dates_that_decide_it() -> None:
    assert guess_day_first(["03/04/2021", "25/03/2021"]) is True
    assert guess_day_first(["03/04/2021", "no date", "03/25/2021"]) is False
    assert guess_day_first(["03/04/2021"]) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ada on Friday, October 15, 2021 at 5:35 pm said:", "Friday, October 15, 2021 at 5:35 pm"),
        ("Ada · 3 hours ago · Reply", "3 hours ago"),
        ("Ada schrieb am 15.10.2021 um 17:35 Uhr", "15.10.2021 um 17:35 Uhr"),
        ("at 5:35 pm on 15 May 2021, Ada", "5:35 pm on 15 May 2021"),
        ("gestern um 9:05 Uhr", "gestern um 9:05 Uhr"),
    ],
)
def test_a_time_is_found_in_running_text(text: str, found: str) -> None:
    span = find_time(text)
    assert span is not None
    assert text[slice(*span)] == found


@pytest.mark.parametrize(
    "text", ["We met yesterday.", "May 5 or so", "for 3 hours", "release 4.11"]
)
def test_running_text_without_a_time(text: str) -> None:
    assert find_time(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("9. Dezember 2021", "2021-12-09"), ("3 dicembre 2020", "2020-12-03")],
)
def test_december_is_read_without_a_clock(text: str, expected: str) -> None:
    assert parse_time(text) == expected
    assert find_time(f"Ada, {text}") == (5, 5 + len(text))


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    span = find_time(text)
    assert span is None or 0 <= span[0] < span[1] <= len(text)
    is_relative_time(text)
    parsed = parse_time(text, now=NOW)
    assert parsed is None or datetime.fromisoformat(parsed)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2090, 1, 1)))
def test_iso_times_come_back_unchanged(moment: datetime) -> None:
    text = moment.isoformat(timespec="seconds")
    assert parse_time(text) == text


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "1.", "12 a ", "aa ", "12:", "2021-", "vor 2 ", "\u00a0"]
)
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    within(5, lambda: find_time(text))
