import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stance.errors import InputError, OutputError
from stance.scoring import stream
from stance.scoring.rows import EXAMPLE_ROW, RECORD_KEYS, RowCounts, prepare_rows, score_rows
from stance.scoring.stream import (
    Item,
    LocalScorer,
    SourceEnd,
    make_shards,
    overlapped,
    score_stream,
)
from stance.tables import Row, write_rows

WORDS = ["I love it", "I hate it, idiot", "hm", "Das ist nicht wahr.", "That is wrong.", ""]


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SHARD_ROWS", 4)


def comments(count: int, distinct: int = 100) -> list[Row]:
    return [
        Row(
            number,
            {
                "id": str(number),
                "parent_id": str(number - 3) if number % 3 == 0 else None,
                "text": f"{WORDS[number % 5]} {number % distinct}" if number % 7 else "",
            },
        )
        for number in range(1, count + 1)
    ]


def items(rows: list[Row], end: Callable[[Counter[str]], None] = lambda _: None) -> Iterator[Item]:
    for chunk in prepare_rows(rows, "a.csv", targets=["it"], counts=RowCounts()):
        yield from chunk
    yield SourceEnd(end)


def plainly(rows: list[Row], analyzer: Any, path: Path) -> bytes:
    """Return what a run without shards writes."""
    with write_rows(path, example=EXAMPLE_ROW, record_keys=RECORD_KEYS) as add:
        for row, _ in score_rows(rows, analyzer, "a.csv", targets=["it"]):
            add(row)
    return path.read_bytes()


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet", ".jsonl.zst"])
@pytest.mark.parametrize("count", [0, 3, 4, 5, 41])
def test_the_rows_are_those_of_a_plain_run(
    fake_analyzer: Any, tmp_path: Path, ending: str, count: int
) -> None:
    rows, out = comments(count, distinct=6), tmp_path / f"out{ending}"
    assert score_stream(items(rows), out, LocalScorer(lambda: fake_analyzer)) == count
    written = out.read_bytes()
    assert list(tmp_path.iterdir()) == [out]
    assert written == plainly(rows, fake_analyzer, tmp_path / f"plain{ending}")


def test_a_comment_that_was_just_scored_is_not_scored_again(
    fake_analyzer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(n, {"text": f"hm {n % 5}"}) for n in range(50)]
    score_stream(items(rows), tmp_path / "a.jsonl", LocalScorer(lambda: fake_analyzer))
    assert sum(fake_analyzer.calls) == 5
    fake_analyzer.calls.clear()
    monkeypatch.setattr(stream, "MAX_REMEMBERED", 4)
    score_stream(items(rows), tmp_path / "b.jsonl", LocalScorer(lambda: fake_analyzer))
    assert sum(fake_analyzer.calls) == 50  # each was forgotten just before it came again
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_the_same_text_with_another_target_or_parent_is_another_question(
    fake_analyzer: Any, tmp_path: Path
) -> None:
    rows = [
        Row(1, {"id": "a", "text": "I love it"}),
        Row(2, {"id": "b", "text": "That is wrong."}),
        Row(3, {"id": "c", "text": "That is wrong.", "parent_id": "a"}),
        Row(4, {"id": "d", "text": "That is wrong.", "target": "trams"}),
        Row(5, {"id": "e", "text": "That is wrong.", "parent_id": "a"}),
    ]
    score_stream(items(rows), tmp_path / "a.jsonl", LocalScorer(lambda: fake_analyzer))
    assert sum(fake_analyzer.calls) == 4
    written = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["reply"] and row["reply"]["label"] for row in written] == [
        *(None, None, "against", None, "against")
    ]
    assert [len(row["stance"]) for row in written] == [1, 1, 1, 2, 1]


class Stopping:
    """A model that stops the run after so many shards, as a kill would."""

    def __init__(self, analyzer: Any, shards: int) -> None:
        self.name, self.languages = analyzer.name, analyzer.languages
        self._analyzer = analyzer
        self._left = shards
        self._lock = threading.Lock()

    def predict(self, texts: Any, targets: Any, **options: Any) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise MemoryError
        return self._analyzer.predict(texts, targets, **options)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # nothing is kept in them
)
@given(
    stops=st.lists(st.integers(0, 8), min_size=1, max_size=4),
    distinct=st.integers(2, 30),
    ending=st.sampled_from([".jsonl", ".csv"]),
)
def test_a_run_that_was_stopped_goes_on_to_the_same_output(
    stops: list[int],
    distinct: int,
    ending: str,
    tmp_path_factory: pytest.TempPathFactory,
    fake_analyzer: Any,
) -> None:
    tmp_path = tmp_path_factory.mktemp("stream")
    rows, out = comments(45, distinct), tmp_path / f"out{ending}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "SHARD_ROWS", 4)
        patch.setattr(stream, "MAX_REMEMBERED", 8)
        seen: list[Counter[str]] = []
        score_stream(
            items(rows, lambda unread: seen.append(Counter(unread))),
            tmp_path / f"whole{ending}",
            LocalScorer(lambda: fake_analyzer),
        )
        for shards in stops:
            stopping = Stopping(fake_analyzer, shards)
            try:
                score_stream(items(rows), out, LocalScorer(lambda: stopping), resume=True)  # noqa: B023
            except MemoryError:
                assert not out.exists()
            else:
                break
        if not out.exists():
            score_stream(
                items(rows, lambda unread: seen.append(Counter(unread))),
                out,
                LocalScorer(lambda: fake_analyzer),
                resume=True,
            )
            assert seen[0] == seen[1]
    assert out.read_bytes() == (tmp_path / f"whole{ending}").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {out.name, f"whole{ending}"}


def stop_after(shards: int, rows: list[Row], out: Path, analyzer: Any) -> None:
    with pytest.raises(MemoryError):
        score_stream(items(rows), out, LocalScorer(lambda: Stopping(analyzer, shards)))


def test_what_is_done_is_not_scored_again(fake_analyzer: Any, tmp_path: Path) -> None:
    rows, out = [Row(n, {"text": f"hm {n}"}) for n in range(40)], tmp_path / "out.jsonl"
    stop_after(5, rows, out, fake_analyzer)
    done = len(list((tmp_path / "out.jsonl.parts").glob("*.done")))
    assert done in (4, 5)  # the fifth may have had its turn to be written or not
    fake_analyzer.calls.clear()
    told: list[tuple[int, int]] = []
    score_stream(
        items(rows),
        out,
        LocalScorer(lambda: fake_analyzer),
        resume=True,
        progress=lambda *numbers: told.append(numbers),
    )
    assert sum(fake_analyzer.calls) == 40 - 4 * done
    assert told[-1] == (40, 4 * done)


def test_a_changed_input_cannot_go_on(fake_analyzer: Any, tmp_path: Path) -> None:
    rows, out = comments(40), tmp_path / "out.jsonl"
    stop_after(5, rows, out, fake_analyzer)
    rows[6] = Row(7, {**rows[6].values, "author": "somebody else"})
    with pytest.raises(OutputError, match=r"the input is not what it was .* rows of shard 1;"):
        score_stream(items(rows), out, LocalScorer(lambda: fake_analyzer), resume=True)
    rows = comments(40)
    score_stream(items(rows), out, LocalScorer(lambda: fake_analyzer), resume=True)
    assert out.read_bytes() == plainly(rows, fake_analyzer, tmp_path / "plain.jsonl")


def test_an_error_at_the_end_leaves_nothing(fake_analyzer: Any, tmp_path: Path) -> None:
    def refuse() -> None:
        raise InputError("no row could be scored")

    for count in (3, 30):
        with pytest.raises(InputError):
            score_stream(
                items(comments(count)),
                tmp_path / "a.csv",
                LocalScorer(lambda: fake_analyzer),
                at_end=refuse,
            )
    assert list(tmp_path.iterdir()) == []


def test_each_source_is_told_its_own_unread_comments(fake_analyzer: Any, tmp_path: Path) -> None:
    told: list[tuple[str, dict[str, int]]] = []
    german, english = Row(1, {"text": "Das ist nicht wahr."}), Row(1, {"text": "That is true."})

    def sources() -> Iterator[Item]:
        for name, rows in (("a", [german] * 6), ("b", [english] * 3), ("c", [english, german])):
            yield from items(rows, lambda unread, name=name: told.append((name, dict(unread))))  # type: ignore[misc]

    score_stream(sources(), tmp_path / "a.jsonl", LocalScorer(lambda: fake_analyzer))
    assert told == [("a", {"de": 6}), ("b", {}), ("c", {"de": 1})]


def test_shards_have_so_many_rows_or_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SHARD_CHARS", 10)
    rows = [Row(n, {"text": "abc" if n < 6 else "abcdefghijkl"}) for n in range(8)]
    assert [len(shard.keys) for shard in make_shards(items(rows))] == [4, 3, 1]
    digests = {shard.digest for shard in make_shards(items(rows))}
    assert digests == {shard.digest for shard in make_shards(items(rows))}
    assert len(digests) == 3


def test_memory_holds_a_few_shards_whatever_the_input(fake_analyzer: Any, tmp_path: Path) -> None:
    drawn = written = most = 0

    def count(item: Item) -> Item:
        nonlocal drawn, most
        drawn += 1
        most = max(most, drawn - written)
        return item

    def note(done: int, _: int) -> None:
        nonlocal written
        written = done

    rows = [Row(n, {"text": f"hm {n}"}) for n in range(400)]
    scorer = LocalScorer(lambda: fake_analyzer)
    score_stream(map(count, items(rows)), tmp_path / "a.jsonl", scorer, progress=note)
    assert drawn == 401
    assert most <= 8 * 4


def test_overlapped_items_come_in_order_and_errors_too() -> None:
    def broken() -> Iterator[int]:
        yield from range(3)
        raise InputError("torn")

    drawn = overlapped(broken())
    assert list(itertools.islice(drawn, 3)) == [0, 1, 2]
    with pytest.raises(InputError, match="torn"):
        next(drawn)


def test_overlapped_stops_to_draw_when_it_is_closed() -> None:
    taken: list[int] = []
    before = set(threading.enumerate())
    drawn = overlapped(map(partial(_keep, taken), itertools.count()), ahead=2)
    assert next(drawn) == 0
    drawn.close()
    count = len(taken)
    assert count <= 5
    assert set(threading.enumerate()) <= before
    assert len(taken) == count


def _keep(taken: list[int], item: int) -> int:
    taken.append(item)
    return item
