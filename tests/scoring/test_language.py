import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.scoring.language import NAMES, LanguageDetector, language_name, say_unread

DETECTOR = LanguageDetector()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I would rather walk than wait for that bus again."),
        ("en", "THEY NEVER LISTEN TO US, NEVER!!!"),
        ("de", "Der Bus kommt bei uns sowieso nur zweimal am Tag."),
        ("fr", "Chez nous le bus ne passe que deux fois par jour."),
        ("es", "En mi pueblo el autobús solo pasa dos veces al día."),
        ("it", "Da noi l'autobus passa soltanto due volte al giorno."),
        ("pt", "Na minha aldeia o autocarro só passa duas vezes por dia."),
        ("nl", "Bij ons rijdt de bus maar twee keer per dag, helaas."),
        ("sv", "Hos oss går bussen bara två gånger om dagen."),
        ("pl", "U nas autobus jeździ tylko dwa razy dziennie."),
        ("tr", "Bizim köyden otobüs günde sadece iki kez geçiyor."),
        ("vi", "Ở chỗ tôi xe buýt chỉ chạy hai lần một ngày."),
        ("ru", "У нас автобус ходит только два раза в день."),
        ("uk", "У нас автобус їздить лише двічі на день."),
        ("el", "Σε εμάς το λεωφορείο περνάει δύο φορές τη μέρα."),
        ("he", "אצלנו האוטובוס עובר רק פעמיים ביום."),
        ("ar", "عندنا الحافلة تمر مرتين فقط في اليوم."),
        ("hi", "हमारे यहाँ बस दिन में सिर्फ़ दो बार आती है।"),
        ("th", "ที่นี่รถเมล์วิ่งแค่วันละสองเที่ยว"),
        ("ko", "우리 동네 버스는 하루에 두 번만 다녀요."),
        ("ja", "うちの村ではバスは一日に二回しか来ません。"),
        ("zh", "我们那里的公共汽车一天只有两班。"),
    ],
)
def test_sentences(language: str, text: str) -> None:
    assert DETECTOR.detect(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lol",
        "Well said!",
        "Bravo!",
        "Touché",
        "Nein danke.",
        "Merci!",
        "Да!",
        "42",
        "😂😂😂",
        "ಠ_ಠ",
        "(゜Д゜) ლ(ಠ益ಠლ)",
        "ㅋㅋㅋㅋ",
        "https://example.org/das/ist/kein/satz @someone #hashtag",
        "F U C K O F F I D I O T",
        "\ud83d \x00 \u202e",
        "asdf qwer yxcv hjkl",
    ],
)
def test_too_little_to_tell(text: str) -> None:
    assert DETECTOR.detect(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Au revoir, Mr. Mayor, nobody in this town will ever miss you.",
        "The Schadenfreude in these comments is unbearable",
        "Bibi met Putin and Erdogan in Tel Aviv.",
        "omg this is soooo true lol",
        "Стоп! That means stop, you know, for all of us.",
        "𝗧𝗵𝗲𝘆 𝗻𝗲𝘃𝗲𝗿 𝗹𝗶𝘀𝘁𝗲𝗻 𝘁𝗼 𝘂𝘀, 𝗻𝗲𝘃𝗲𝗿",
        "You are an іdіоt, and everybody knows it.",  # with Cyrillic letters
        "Who pays for all this? https://beispiel.example/wer-soll-das-alles-bezahlen-und-warum-wir",
        "They never listen. " * 100_000,
    ],
)
def test_english_that_looks_like_something_else(text: str) -> None:
    assert DETECTOR.detect(text) == "en"


def test_in_doubt_it_is_what_the_model_reads() -> None:
    doubtful = "Det er for dyrt, og det bliver værre."
    assert LanguageDetector(["da"]).detect(doubtful) == "da"
    assert LanguageDetector(["no"]).detect("Det er for dyrt.") in ("no", None)
    german = LanguageDetector(["de"])
    assert german.detect("I would rather walk than wait for that bus again.") == "en"


@given(st.text(max_size=300))
def test_any_text_gets_a_known_code_or_none(text: str) -> None:
    assert DETECTOR.detect(text) in {None, *NAMES}


@given(st.text(alphabet="abcdefghij \U0001f600𝒳ﷺßñ漢字かなДд", max_size=3000))
def test_any_mix_of_scripts_too(text: str) -> None:
    assert DETECTOR.detect(text) in {None, *NAMES}


def test_the_warning_counts_by_language() -> None:
    assert say_unread({"de": 1}, 1, ["en"]) == (
        "1 of 1 comment is not in English (German 1): do not rely on its scores"
    )
    many = {code: number for number, code in enumerate(sorted(NAMES)[:9], 1)}
    assert say_unread(many, 2000, ["en", "xx"]) == (
        "45 of 2,000 comments are not in English or xx (Tibetan 9, Bengali 8, Bulgarian 7, "
        "Belarusian 6, Azerbaijani 5, Assamese 4, others 6): do not rely on their scores"
    )
    assert (language_name("de"), language_name("xx")) == ("German", "xx")


def test_nothing_is_downloaded() -> None:
    code = (
        "import socket\n"
        "def refuse(*args, **options): raise SystemExit('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from stance.scoring.language import LanguageDetector\n"
        "print(LanguageDetector().detect('Wer soll das denn bezahlen?'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("de\n", "")


@pytest.mark.skipif("STANCE_SHARED" not in os.environ, reason="STANCE_SHARED names no corpora")
def test_hardly_any_english_comment_is_taken_for_another_language() -> None:
    from stance.data.corpora import CORPORA

    root = Path(os.environ["STANCE_SHARED"]) / "data"
    for name in ("arc", "civil_comments"):
        texts = {example.text for example in CORPORA[name].examples(root)}
        sample = sorted(texts)[:: max(1, len(texts) // 2000)]
        told = [DETECTOR.detect(text) for text in sample]
        assert len(told) >= 2000
        assert sum(code not in ("en", None) for code in told) <= 0.002 * len(told), name
