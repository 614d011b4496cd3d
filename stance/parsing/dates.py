"""Times as pages write them, in some twenty-five languages, to ISO 8601.

The fast path knows ISO and numeric dates, month names and relative times. What it does not know
but looks like a date goes to `dateparser`, which is slow and over-eager, hence guarded.
Every pattern is built of bounded repetitions, so that time is linear in the text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

LONGEST_TIME = 200  # characters looked at by `parse_time`
REMEMBERED = 4096  # texts whose times are remembered: one is asked for several times in a row
FIRST_YEAR, LAST_YEAR = 1980, 2100

# One line a month: names and abbreviations, nominative and genitive, of all languages known.
_MONTH_NAMES = (
    "january jan januar jänner janvier janv enero ene gennaio gen janeiro januari styczeń stycznia "
    "sty январь января янв leden ledna ocak oca січень січня січ ianuarie ian január tammikuu "
    "tammikuuta tammi gener siječnja sij ιανουαρίου ιανουάριος ιαν януари sausio januarja janv. "
    "jaanuar januára urtarrila xaneiro janvāris janvārī",
    "february feb februar feber février févr fév febrero febbraio fevereiro fev februari luty "
    "lutego lut февраль февраля фев февр únor února úno şubat şub лютий лютого лют februarie "
    "február febr helmikuu helmikuuta helmi febrer veljače velj φεβρουαρίου φεβρουάριος φεβ "
    "февруари vasario februarja veebruar februára februāris februārī",
    "march mar märz mär mrz mars marzo março maart mrt marzec marca марта март мар březen března "
    "bře mart березень березня бер martie március márc maaliskuu maaliskuuta maalis març ožujka "
    "ožu μαρτίου μάρτιος μαρ kovo marts märts",
    "april apr avril avr abril abr aprile kwiecień kwietnia kwi апрель апреля апр duben dubna dub "
    "nisan nis квітень квітня квіт aprilie április ápr huhtikuu huhtikuuta huhti travnja tra "
    "απριλίου απρίλιος απρ април balandžio aprill apríl apríla aprīlis aprīlī",
    "may mai mayo maggio mag maio mei maj maja май мая květen května kvě mayıs травень травня трав "
    "május máj toukokuu toukokuuta touko maig svibnja svi μαΐου μάιος μαι gegužės mája maijs maijā",
    "june jun juni juin junio giugno giu junho czerwiec czerwca cze июнь июня июн červen června "
    "čvn haziran haz червень червня черв iunie iun június jún kesäkuu kesäkuuta kesä juny lipnja "
    "ιουνίου ιούνιος ιουν юни birželio junija juuni júna jūnijs jūnijā",
    "july jul juli juillet juil julio luglio lug julho lipiec lipca lip июль июля июл červenec "
    "července čvc temmuz tem липень липня лип iulie iul július júl heinäkuu heinäkuuta heinä "
    "juliol srpnja ιουλίου ιούλιος ιουλ юли liepos julija juuli júla jūlijs jūlijā",
    "august aug août aoû agosto ago augustus sierpień sierpnia sie август августа авг srpen srpna "
    "srp augusti ağustos ağu серпень серпня серп augusztus elokuu elokuuta elo agost kolovoza kol "
    "αυγούστου αύγουστος αυγ rugpjūčio avgusta augusta augusts augustā",
    "september sep sept septembre septiembre setiembre settembre set setembro wrzesień września "
    "wrz сентябрь сентября сен сент září zář eylül eyl вересень вересня вер septembrie szeptember "
    "szept syyskuu syyskuuta syys setembre rujna ruj σεπτεμβρίου σεπτέμβριος σεπ септември rugsėjo "
    "septembra septembris septembrī",
    "october oct oktober okt octobre octubre ottobre ott outubro out październik października paź "
    "октябрь октября окт říjen října říj ekim eki жовтень жовтня жовт octombrie október lokakuu "
    "lokakuuta loka οκτωβρίου οκτώβριος οκτ октомври spalio oktobra oktoober októbra oktobris "
    "oktobrī",
    "november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя нояб kasım "
    "kas листопад листопада лист noiembrie noi marraskuu marraskuuta marras studenoga νοεμβρίου "
    "νοέμβριος νοε ноември lapkričio novembra novembris novembrī",
    "december dec dezember dez décembre déc diciembre dic dicembre dezembro grudzień grudnia gru "
    "декабрь декабря дек prosinec prosince pro aralık ara грудень грудня груд decembrie joulukuu "
    "joulukuuta joulu desember des desembre prosinca δεκεμβρίου δεκέμβριος δεκ декември gruodžio "
    "decembra detsember decembris decembrī",
)
_WEEKDAY_NAMES = (
    "monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat "
    "sunday sun montag mo dienstag di mittwoch mi donnerstag do freitag fr samstag sa sonnabend "
    "sonntag so lundi lun mardi mar mercredi mer jeudi jeu vendredi ven samedi sam dimanche dim "
    "lunes martes miércoles mié jueves jue viernes vie sábado sáb domingo dom lunedì martedì "
    "mercoledì giovedì gio venerdì sabato domenica segunda feira terça ter quarta qua quinta qui "
    "sexta sex maandag ma dinsdag woensdag wo donderdag vrijdag vr zaterdag za zondag zo "
    "poniedziałek pon wtorek wt środa śr czwartek czw piątek pt sobota niedziela nd понедельник "
    "пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс måndag tisdag onsdag "
    "torsdag fredag lördag söndag mandag tirsdag lørdag søndag pondělí úterý středa čtvrtek pátek "
    "neděle pazartesi salı çarşamba perşembe cuma cumartesi pazar понеділок вівторок середа четвер "
    "пʼятниця субота неділя"
)
_UNIT_NAMES = {
    "second": "second seconds sec secs sekunde sekunden sek seconde secondes segundo segundos seg "
    "secondo secondi secondes seconden sekund sekundy sekundę секунд секунды секунду сек sekunder "
    "sekundami saniye секунди",
    "minute": "minute minutes min mins minuten minuto minutos minuti minuut minuty minut minutę "
    "минут минуты минуту мин minuter minutter minutami minutou dakika хвилин хвилини хвилину хв "
    "minuuttia perc",
    "hour": "hour hours hr hrs stunde stunden std heure heures hora horas ora ore uur uren godzin "
    "godziny godzinę godz часов часа час timme timmar timer time hodinami hodinou hodinu saat "
    "годин години годину tuntia tunti órája",
    "day": "day days tag tage tagen jour jours día días dia dias giorno giorni gg dag dagen dager "
    "dage dagar dni dzień день дня дней дн dny dnem gün днів дні päivää napja zile",
    "week": "week weeks wk wks woche wochen semaine semaines semana semanas settimana settimane "
    "weken tydzień tygodnie tygodni неделю недели недель vecka veckor uge uger uke uker týdnem "
    "týdny hafta тиждень тижні тижнів viikkoa viikko",
    "month": "month months mo mos monat monate monaten mois mes meses mese mesi mês maand maanden "
    "miesiąc miesiące miesięcy месяц месяца месяцев мес månad månader måned måneder měsícem "
    "měsíci ay місяць місяці місяців kuukautta luni",
    "year": "year years yr yrs jahr jahre jahren an ans année années año años anno anni ano anos "
    "jaar rok roku lata lat год года лет г år rokem roky lety yıl рік роки років vuotta ani",
}
_SHORT_UNITS = {
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
    "j": "day", "u": "hour",
}  # fmt: skip
_CJK_UNITS = {
    "秒": "second", "秒钟": "second", "초": "second", "分": "minute", "分钟": "minute",
    "分鐘": "minute", "분": "minute", "時間": "hour", "小时": "hour", "小時": "hour",
    "시간": "hour", "日": "day",
    "天": "day", "일": "day", "週間": "week", "周": "week", "주": "week", "ヶ月": "month",
    "か月": "month", "个月": "month", "個月": "month", "개월": "month", "달": "month",
    "年": "year", "년": "year",
}  # fmt: skip
_NUMBER_WORDS = (
    "a an one ein eine einem einer einen un une una uno uma um een één en ett et jeden jedną один "
    "одну"
)
_BEFORE_SPAN = ("vor", "il y a", "hace", "há", "acum", "před", "przed", "πριν")
_AFTER_SPAN = "ago geleden fa atrás назад тому temu sedan siden önce sitten ezelőtt earlier zpět"
_DAY_WORDS = {
    0: "today heute aujourd'hui aujourd’hui hoy oggi hoje vandaag dzisiaj dziś сегодня idag dnes "
    "bugün сьогодні tänään azi 今日 今天 오늘",
    1: "yesterday gestern hier ayer ieri ontem gisteren wczoraj вчера igår včera dün вчора eilen "
    "tegnap 昨日 昨天 어제",
    2: "vorgestern avant-hier anteayer anteontem eergisteren przedwczoraj позавчера "
    "předevčírem 前天",
}
_DAY_PHRASES = {"i dag": 0, "i går": 1, "l'altro ieri": 2, "i forgårs": 2}
_NOW_WORDS = {
    "just now", "now", "moments ago", "a moment ago", "a few seconds ago", "gerade eben", "soeben",
    "jetzt", "à l'instant", "à l’instant", "ahora", "adesso", "ora", "agora", "zojuist", "teraz",
    "только что", "just nu", "nyss", "lige nu", "akkurat nå", "právě teď", "şimdi", "щойно",
    "たった今", "刚刚", "방금",
}  # fmt: skip
_ZONES = {
    "z": "+00:00", "utc": "+00:00", "gmt": "+00:00", "wet": "+00:00", "cet": "+01:00",
    "mez": "+01:00", "cest": "+02:00", "mesz": "+02:00", "msk": "+03:00", "est": "-05:00",
    "edt": "-04:00",
    "cst": "-06:00", "cdt": "-05:00", "mst": "-07:00", "mdt": "-06:00", "pst": "-08:00",
    "pdt": "-07:00",
}  # fmt: skip  # the zones of RFC 2822 and Europe's; other abbreviations mean several things


def _fold(word: str) -> str:
    """Return `word` without case, accents and final full stop: the key of every table here."""
    if word.isascii():
        return word.lower().rstrip(".")
    decomposed = unicodedata.normalize("NFKD", word.casefold().replace("ı", "i"))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return plain.replace("ł", "l").replace("ø", "o").rstrip(".")


_MONTHS = {
    _fold(name): number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()
}
_WEEKDAYS = {_fold(name) for name in _WEEKDAY_NAMES.split()}
_UNITS = {_fold(name): unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
_ONES = {_fold(word) for word in _NUMBER_WORDS.split()}
_BEFORE = tuple(_fold(phrase) for phrase in _BEFORE_SPAN)
_AFTER = {_fold(word) for word in _AFTER_SPAN.split()}
_DAYS_BACK = {_fold(word): days for days, words in _DAY_WORDS.items() for word in words.split()} | {
    _fold(phrase): days for phrase, days in _DAY_PHRASES.items()
}
_NOW = {_fold(phrase) for phrase in _NOW_WORDS}

_WORD = r"[^\W\d_]{2,15}"
_YEAR = r"(?:19|20)\d\d"
_ORDINAL = r"(?:st|nd|rd|th|\.|º|°|ª|er|ers|e|de|a|-?го|-?е)?"
_OF = r"(?:(?:(?:de|del|of|di|en)[ \u00a0]{1,2}|d['’][ ]?))?"
_NO_DIGIT = r"(?!\d(?!\d?:\d\d))"  # but a clock may touch the year: "20217:35 pm"
_SPACE = r"[ \t\u00a0\u202f]"

# Year, month, day, in the order of the named groups; a month that is a word is looked up after.
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\d.])(?P<year>{_YEAR})(?P<sep>[-/.])[ ]?"
        r"(?P<month>\d{1,2})(?P=sep)[ ]?(?P<day>\d{1,2})(?!\d)",
        r"(?<![\d.,/:-])(?P<first>\d{1,2})(?P<sep>[./-])[ ]?(?P<second>\d{1,2})"
        r"(?:(?P=sep)|,(?=[ ]))[ ]?"
        rf"(?P<year>\d\d(?=\d\d:\d\d)|{_YEAR}|\d\d){_NO_DIGIT}(?![./-]\d|%)",
        rf"(?<![\d.])(?P<day>\d{{1,2}}){_ORDINAL}[ \u00a0\-/.]{{0,3}}{_OF}"
        rf"(?P<word>{_WORD})\.?[,/ \u00a0\-]{{0,3}}{_OF}"
        rf"(?:(?P<year>{_YEAR}|['’]\d\d|(?<=-)\d\d|\d\d(?=,?[ ]\d{{1,2}}[:.]\d\d))"
        rf"(?!:){_NO_DIGIT})?",
        rf"(?P<word>{_WORD})\.?[ \u00a0\-]{{1,3}}"
        r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?(?![\d:])"
        rf"(?:[,. \u00a0\-]{{1,3}}{_OF}(?P<year>{_YEAR}|['’]\d\d){_NO_DIGIT})?",
        rf"(?<!\d)(?P<year>{_YEAR})(?:\.|,|{_SPACE}?m\.)?{_SPACE}{{0,2}}(?P<word>{_WORD})\.?"
        rf"{_SPACE}{{1,2}}(?P<day>\d{{1,2}})\b\.?",
        r"(?<!\d)(?P<year>\d{4})[ ]?[年년][ ]?(?P<month>\d{1,2})[ ]?[月월][ ]?"
        r"(?P<day>\d{1,2})[ ]?[日일]?",
    )
)
_HALF = r"[ap]\.?[ ]?m\b\.?"
_CLOCK_TEXT = (
    r"(?P<cjk>午前|午後|上午|下午|오전|오후)?[ ]?"
    r"(?P<hour>\d{1,2})"
    r"(?:[ ]?[:.hH][ ]?(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?:[.,]\d{1,9})?(?!\d)"
    r"|[時时시][ ]?(?P<minute2>\d{1,2})[分분]"
    rf"|(?=[ ]?{_HALF}|[ ]?uhr\b|[ ]?h\b|[ ]?o['’]clock))"
    rf"[ ]?(?P<half>{_HALF})?(?:[ ]?(?:uhr|hrs?|h|u\.?|ч\.?|год\.?)(?!\w))?"
)
_HALVES = {"午前": "a", "上午": "a", "오전": "a", "午後": "p", "下午": "p", "오후": "p"}
_OFFSET_TEXT = (
    r"(?:[ ]?\(?(?:UTC|GMT)?[ ]?(?P<sign>[+\-−])"
    r"(?P<zone_hour>[01]\d):?(?P<zone_minute>00|15|30|45)(?!\d)\)?"
    r"|[ ]?\(?(?P<zone>Z|[A-Z]{3,4})(?![\w])\)?)?"
)
_AT = (
    r"(?:T|(?:[ ]?[гр]\.)?[ \t\u00a0\u202f.,;:|·•@/()\-–—]{0,4}(?:\([^()\s]{1,4}\)[ ]?)?"
    r"(?:(?:at|um|gegen|à|a las|a la|às|as|alle ore|alle|ore|kl\.?|klo|om|o godz\.?|"
    r"godz\.?|a|o|v|ve|saat|в|о|об|ob|la)(?![^\W\d])[ \u00a0]{0,2})?)"
)
_CLOCK_AFTER = re.compile(_AT + _CLOCK_TEXT + _OFFSET_TEXT, re.IGNORECASE)
_CLOCK_BEFORE = re.compile(
    r"(?<![\w:.])"
    + _CLOCK_TEXT
    + r"(?:[ ]?\(?(?P<zone>[A-Z]{3,4})\)?)?[ \t\u00a0,;|·•\-–—]{0,3}"
    + r"(?:(?:on|am|le|el|il|den|em|op|dnia|в)[ ]{1,2})?$",
    re.IGNORECASE,
)
_YEAR_AFTER_CLOCK = re.compile(rf"[ ]?(?P<year>{_YEAR})(?!\d)")
_WEEKDAY_BEFORE = re.compile(
    r"(?<!\w)([^\W\d_]{2,14})(?:-feira)?\.?,?[ \u00a0]{1,2}(?:den[ ]|the[ ]|el[ ]|le[ ])?$"
)
_DIGIT = re.compile(r"\d")
_GLUED_MONTH = re.compile(r"(?<=[^\WA-ZÄÖÜ\d_])[A-Z][^\W\d_]{1,11}$")
_CLOCK_REACH = 40  # characters before a date in which its clock or weekday may stand

_PIECE = re.compile(
    rf"(?<![^\W_])(?:(?P<number>\d{{1,4}})|(?P<one>[^\W\d_]{{1,6}})(?={_SPACE})){_SPACE}{{0,2}}(?P<unit>{_WORD})\.?"
)
_JOINT = re.compile(rf"{_SPACE}?,?{_SPACE}?(?:(?:and|und|et|y|e|i|и|og|och|en){_SPACE})?")
_NEXT_WORD = re.compile(rf"{_SPACE}{{1,2}}({_WORD})")
_LAST_WORDS = re.compile(
    rf"(?<!\w)((?:il{_SPACE}y{_SPACE})?{_WORD}|il{_SPACE}y{_SPACE}a)(?:{_SPACE}(?:über|about|over|circa|ca\.?|etwa|environ))?{_SPACE}{{1,2}}$",
    re.IGNORECASE,
)
_CJK_UNIT = "|".join(sorted(_CJK_UNITS, key=len, reverse=True))
_CJK_SPAN = re.compile(rf"(?P<number>\d{{1,4}})[ ]?(?P<unit>{_CJK_UNIT})[ ]?(?:前|전)")
_SHORT_SPAN = re.compile(r"(?P<number>\d{1,3})[ ]?(?P<unit>mo|[smhdwyju])\.?", re.IGNORECASE)
_DAY_WORD = re.compile(
    rf"(?<!\w)(?P<day>i{_SPACE}(?:dag|går|forgårs)|[^\W\d_]{{2,12}}(?:['’-][^\W\d_]{{3,8}})?)"
)


@dataclass(frozen=True, slots=True)
class _Moment:
    """An absolute time found in a text: where it stands and what it says."""

    start: int
    end: int
    year: int | None
    month: int
    day: int
    clock: str = ""  # "17:35" or "17:35:20"
    offset: str = ""  # "+02:00"


@dataclass(frozen=True, slots=True)
class _Span:
    """A relative time found in a text: so many of each unit before the reference time."""

    start: int
    end: int
    back: tuple[tuple[int, str], ...]  # ((3, "hour"),)
    clock: str = ""


def parse_time(
    text: str, *, now: datetime | None = None, day_first: bool | None = None
) -> str | None:
    """Read the first time that `text` holds.

    Parameters
    ----------
    text : str
        A date line, such as "October 15, 2021 at 5:35 pm"; other words around it do no harm.
        The first 200 characters count.
    now : datetime, optional
        Reference for relative times ("3 hours ago") and dates without a year; without it they
        are None.
    day_first : bool, optional
        Whether 3/4/2021 is in April; when None, full stops and hyphens mean yes, and a slash
        means yes unless the clock is a twelve-hour one.

    Returns
    -------
    str or None
        ISO 8601 in the text's own clock and offset, never converted: a date alone where there is
        no clock. None where the text holds no time.

    Examples
    --------
    >>> parse_time("October 15, 2021 at 5:35 pm")
    '2021-10-15T17:35'
    >>> parse_time("am 15. Oktober 2021 um 17.35 Uhr")
    '2021-10-15T17:35'
    >>> parse_time("3 hours ago", now=datetime(2021, 10, 15, 17, 35))
    '2021-10-15T14:35'
    >>> parse_time("3 hours ago") is None
    True
    """
    return _parse_time(" ".join(text[:LONGEST_TIME].split()), now, day_first)


@lru_cache(maxsize=REMEMBERED)
def _parse_time(text: str, now: datetime | None, day_first: bool | None) -> str | None:
    moment = _first(_moments(text, day_first))
    if moment is not None:
        bare_day = moment.year is None and not moment.clock
        return None if bare_day and len(text.split()) > 5 else _resolve_moment(moment, now)
    span = _relative(text, whole=True)
    if span is not None:
        return None if now is None else _resolve_span(span, now)
    return _with_dateparser(text) if _is_foreign_date(text) else None


def is_relative_time(text: str) -> bool:
    """Tell whether `text` holds a time that only a reference time can resolve.

    Examples
    --------
    >>> is_relative_time("vor 2 Tagen"), is_relative_time("15. Oktober 2021")
    (True, False)
    """
    return _is_relative_time(" ".join(text[:LONGEST_TIME].split()))


@lru_cache(maxsize=REMEMBERED)
def _is_relative_time(text: str) -> bool:
    return _first(_moments(text, None)) is None and _relative(text, whole=True) is not None


def find_time(text: str) -> tuple[int, int] | None:
    """Find the first date or time expression in running text, in time linear in its length.

    Returns
    -------
    (start, end) or None
        Character offsets, with the weekday and the clock that belong to the date. A date without
        a year counts only with a clock, and a word such as "yesterday" likewise.

    Examples
    --------
    >>> text = "Ada on Friday, October 15, 2021 at 5:35 pm said:"
    >>> start, end = find_time(text)
    >>> text[start:end]
    'Friday, October 15, 2021 at 5:35 pm'
    """
    return _find_short(text) if len(text) <= LONGEST_TIME else _find_time(text)


def _find_time(text: str) -> tuple[int, int] | None:
    found = [
        (moment.start, moment.end)
        for moment in [_first(m for m in _moments(text, None) if m.year or m.clock)]
        if moment is not None
    ]
    span = _relative(text, whole=False)
    if span is not None:
        found.append((span.start, span.end))
    return min(found, default=None)


_find_short = lru_cache(maxsize=REMEMBERED)(_find_time)  # long texts would fill the memory


def guess_day_first(texts: Iterable[str]) -> bool | None:
    """Tell from all time texts of one page whether its numeric dates put the day first.

    Examples
    --------
    >>> guess_day_first(["03/04/2021", "03/25/2021"])
    False
    """
    for text in texts:
        for match in _DATES[1].finditer(text[:LONGEST_TIME]):
            first, second = int(match["first"]), int(match["second"])
            if 12 < first <= 31 and second <= 12:
                return True
            if 12 < second <= 31 and first <= 12:
                return False
    return None


def _first(moments: Iterator[_Moment]) -> _Moment | None:
    """Return the moment that starts earliest; the longer one of two that start together."""
    return min(moments, key=lambda moment: (moment.start, -moment.end), default=None)


def _moments(text: str, day_first: bool | None) -> Iterator[_Moment]:
    """Yield the first valid moment of every date pattern."""
    if not _DIGIT.search(text):
        return
    for pattern in _DATES:
        position = 0
        while (match := pattern.search(text, position)) is not None:
            moment = _read_moment(text, match, day_first)
            if moment is not None:
                yield moment
                break
            position = match.start() + 1


def _read_moment(text: str, match: re.Match[str], day_first: bool | None) -> _Moment | None:
    """Return the moment that a date match begins, or None where the values are no date."""
    groups = match.groupdict()
    start = match.start()
    if groups.get("word") and _fold(groups["word"]) not in _MONTHS:
        glued = _GLUED_MONTH.search(groups["word"])  # "AdaSeptember 11, 2008"
        if glued is None or _fold(glued[0]) not in _MONTHS:
            return None
        start += glued.start() if match.start("word") == start else 0
        groups["word"] = glued[0]
    clock = _CLOCK_AFTER.match(text, match.end())
    end, clock_text, offset = match.end(), "", ""
    if clock is not None and (clock_text := _read_clock(clock)):
        end, offset = _end_of_clock(clock)
    else:
        reach = max(0, start - _CLOCK_REACH)
        before = _CLOCK_BEFORE.search(text[reach:start])
        if before is not None and (clock_text := _read_clock(before)):
            start = reach + before.start()
            offset = _ZONES.get((before["zone"] or "").lower(), "")
    year = _read_year(groups["year"])
    if year is None and clock_text and (late := _YEAR_AFTER_CLOCK.match(text, end)):
        year, end = int(late["year"]), late.end()
    twelve_hours = clock is not None and bool(clock["half"])
    day, month = _day_and_month(groups, day_first, twelve_hours)
    if not _is_date(year, month, day) or (groups.get("first") and _is_version(groups, clock_text)):
        return None
    weekday = _WEEKDAY_BEFORE.search(text[max(0, start - _CLOCK_REACH) : start])
    if weekday is not None and _fold(weekday[1]) in _WEEKDAYS:
        start -= len(weekday[0])
    return _Moment(start, end, year, month, day, clock_text, offset)


def _read_year(text: str | None) -> int | None:
    if not text:
        return None
    digits = text.lstrip("'’")
    return int(digits) if len(digits) == 4 else 2000 + int(digits)


def _day_and_month(
    groups: dict[str, str | None], day_first: bool | None, twelve_hours: bool
) -> tuple[int, int]:
    """Return day and month of a date match; month 0 where its word is no month."""
    if word := groups.get("word"):
        return int(groups["day"] or 0), _MONTHS.get(_fold(word), 0)
    if groups.get("month"):
        return int(groups["day"] or 0), int(groups["month"] or 0)
    first, second = int(groups["first"] or 0), int(groups["second"] or 0)
    if first > 12 or second > 12:
        return max(first, second), min(first, second)
    if day_first is None:
        day_first = groups["sep"] != "/" or not twelve_hours
    return (first, second) if day_first else (second, first)


def _is_date(year: int | None, month: int, day: int) -> bool:
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        return False
    try:
        datetime(2000 if year is None else year, month, day)  # 2000: a leap year
    except ValueError:
        return False
    return True


def _is_version(groups: dict[str, str | None], clock: str) -> bool:
    """Tell whether a numeric date with a short year is rather a version number such as 1.2.10."""
    short_year = len(groups["year"] or "") == 2
    padded = len(groups["first"] or "") == 2 and len(groups["second"] or "") == 2
    return short_year and not clock and not padded and groups["sep"] != "/"


def _read_clock(match: re.Match[str]) -> str:
    """Return "17:35" or "17:35:20" of a clock match; an empty string where it is no clock."""
    hour, minute = int(match["hour"]), int(match["minute"] or match["minute2"] or 0)
    half = _HALVES.get(match["cjk"] or "") or (match["half"] or "").lower()[:1]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59:
        return ""
    seconds = f":{match['second']}" if match["second"] else ""
    return f"{hour:02}:{minute:02}{seconds}"


def _end_of_clock(match: re.Match[str]) -> tuple[int, str]:
    """Return where a clock match ends and its offset; an unknown zone's letters stay outside."""
    if match["sign"]:
        sign = "-" if match["sign"] in "-−" else "+"
        return match.end(), f"{sign}{match['zone_hour']}:{match['zone_minute']}"
    if not match["zone"]:
        return match.end(), ""
    offset = _ZONES.get(match["zone"].lower(), "")
    if offset:
        return match.end(), offset
    before_zone = match.string[match.start() : match.start("zone")].rstrip(" (")
    return match.start() + len(before_zone), ""


def _resolve_moment(moment: _Moment, now: datetime | None) -> str | None:
    """Return ISO 8601; a date without a year is the latest such day up to `now`."""
    year = moment.year
    if year is None:
        if now is None:
            return None
        year = now.year if (moment.month, moment.day) <= (now.month, now.day) else now.year - 1
    date = f"{year:04}-{moment.month:02}-{moment.day:02}"
    return f"{date}T{moment.clock}{moment.offset}" if moment.clock else date


def _relative(text: str, *, whole: bool) -> _Span | None:
    """Find a relative time; bare words such as "3h" or "gestern" count only as the `whole` text."""
    if whole:
        bare = text.strip(" .,;:·•|()-–—").casefold()
        if _fold(bare) in _NOW:
            return _Span(0, len(text), ())
        if short := _SHORT_SPAN.fullmatch(bare):
            return _Span(0, len(text), ((int(short["number"]), _SHORT_UNITS[short["unit"]]),))
    spans = [span for span in (_counted_span(text), _day_word(text, whole)) if span is not None]
    return min(spans, key=lambda span: span.start, default=None)


def _counted_span(text: str) -> _Span | None:
    """Find "3 hours ago", "vor 2 Tagen", "il y a 1 an et 3 mois", "3時間前"."""
    if match := _CJK_SPAN.search(text):
        return _Span(
            match.start(), match.end(), ((int(match["number"]), _CJK_UNITS[match["unit"]]),)
        )
    position = 0
    while (match := _PIECE.search(text, position)) is not None:
        position = match.start() + 1
        back = _read_piece(match)
        if back is None:
            continue
        pieces, end = [back], match.end()
        while len(pieces) < 4 and (more := _next_piece(text, end)) is not None:
            back, end = more
            pieces.append(back)
        position = end
        after = _NEXT_WORD.match(text, end)
        if after is not None and _fold(after[1]) in _AFTER:
            return _with_clock(text, _Span(match.start(), after.end(), tuple(pieces)))
        reach = max(0, match.start() - _CLOCK_REACH)
        before = _LAST_WORDS.search(text[reach : match.start()])
        if before is not None and _fold(" ".join(before[1].split())) in _BEFORE:
            return _with_clock(text, _Span(reach + before.start(), end, tuple(pieces)))
    return None


def _with_clock(text: str, span: _Span) -> _Span:
    """Return a span with the clock after it, as in "2 days ago at 7:52 am"."""
    clock = _CLOCK_AFTER.match(text, span.end)
    if clock is None or not (at := _read_clock(clock)):
        return span
    return replace(span, end=_end_of_clock(clock)[0], clock=at)


def _next_piece(text: str, end: int) -> tuple[tuple[int, str], int] | None:
    """Return the counted unit that continues a span at `end`, such as "and 3 months"."""
    joint = _JOINT.match(text, end)
    piece = _PIECE.match(text, joint.end() if joint else end)
    back = _read_piece(piece) if piece else None
    return (back, piece.end()) if piece and back else None


def _read_piece(match: re.Match[str]) -> tuple[int, str] | None:
    """Return (3, "hour") for "3 hours" or (1, "hour") for "an hour"; None for other words."""
    unit = _UNITS.get(_fold(match["unit"]))
    if unit is None:
        return None
    if match["number"]:
        return int(match["number"]), unit
    return (1, unit) if _fold(match["one"]) in _ONES else None


def _day_word(text: str, whole: bool) -> _Span | None:
    """Find "yesterday at 5:35 pm"; without a clock only where it is (nearly) the whole text."""
    if not whole and not _DIGIT.search(text):
        return None
    for match in _DAY_WORD.finditer(text):
        days = _DAYS_BACK.get(_fold(match["day"]))
        if days is None:
            continue
        clock = _CLOCK_AFTER.match(text, match.end())
        if clock is not None and (at := _read_clock(clock)):
            return _Span(match.start(), _end_of_clock(clock)[0], ((days, "day"),), at)
        if whole and len(text.split()) <= 2:
            return _Span(match.start(), match.end(), ((days, "day"),))
    return None


def _resolve_span(span: _Span, now: datetime) -> str:
    """Count back from `now`: to the minute for minutes and hours, else to the day."""
    moment, exact = now, not span.back
    for count, unit in span.back:
        if unit in ("month", "year"):
            moment = _months_back(moment, count * (12 if unit == "year" else 1))
            continue
        exact = exact or unit in ("second", "minute", "hour")
        try:
            moment -= timedelta(**{f"{unit}s": count})
        except OverflowError:
            moment = moment.replace(year=1)
    date = moment.date().isoformat()
    if span.clock:
        return f"{date}T{span.clock}"
    if exact and all(unit in ("second", "minute", "hour") for _, unit in span.back):
        return moment.isoformat(timespec="minutes")
    return date


def _months_back(moment: datetime, months: int) -> datetime:
    """Go back whole calendar months, to the month's last day where the day does not exist."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    for day in (moment.day, 30, 29, 28):
        try:
            return moment.replace(year=max(year, 1), month=month + 1, day=day)
        except ValueError:
            continue
    return moment


def _is_foreign_date(text: str) -> bool:
    """Tell whether `text` may be a date in a language that the fast path does not know."""
    words = text.split()
    digits = sum(character.isdigit() for character in text)
    return (
        2 <= len(words) <= 8
        and len(text) <= 60
        and digits >= 5
        and any(letter.isalpha() and not letter.isascii() for letter in text)
    )


@lru_cache(maxsize=4096)
def _with_dateparser(text: str) -> str | None:
    """Ask dateparser, demanding that the text names day, month and year itself."""
    import dateparser

    settings = {
        "REQUIRE_PARTS": ["day", "month", "year"],
        "PARSERS": ["absolute-time"],
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    try:
        moment = dateparser.parse(text, settings=settings)
    except (ValueError, OverflowError, RecursionError):
        return None
    if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    has_clock = re.search(r"\d:\d\d", text) is not None
    result: str = moment.isoformat(timespec="minutes") if has_clock else moment.date().isoformat()
    return result
