"""The speed benchmark for people: a Markdown table, a plot, and what many comments cost.

python -m stance.reporting.speed --out FOLDER [--threads N] [--rounds N] [--price X --price-of Y]
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stance.errors import MissingExtraError, StanceError
from stance.evaluation.made_up_comments import LENGTHS
from stance.evaluation.speed import (
    OURS,
    RIVAL,
    SpeedBenchmark,
    Spread,
    benchmark_speed,
    hours,
)
from stance.evaluation.speed_worker import CONTENDERS, TASKS
from stance.tables import atomic_file

DEFAULT_MODEL = Path(__file__).parent.parent / "modeling" / "default"
MANY = 1_000_000_000

_TASK_TITLES = {
    "toxicity": "toxicity",
    "one target": "and stance to one target",
    "four targets": "and stance to four targets",
}


# Table


def speed_markdown(result: SpeedBenchmark) -> str:
    """Return the figures as Markdown: the machine, the contenders, the ratios."""
    machine = result.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return "\n".join(
        [
            f"{machine.processor}, {_threads(result)}; {versions}. "
            f"Made-up comments as long as those of {result.lengths!r}. "
            f"Median and range of {len(result.rounds)} rounds. "
            "TF-IDF trains before its first score.",
            "",
            *_contender_lines(result),
            "",
            *_ratio_lines(result),
            "",
        ]
    )


def _contender_lines(result: SpeedBenchmark) -> list[str]:
    tasks = ", ".join(_TASK_TITLES.values())
    lines = [
        f"| | cold start, s | comments/s: {tasks.replace(', ', ' | ')} | peak memory, MB |",
        "|---|" + "---:|" * (2 + len(TASKS)),
    ]
    for name, contender in CONTENDERS.items():
        rates = [
            _cell(result.rate(name, task), _count) if task in contender.blocks else "–"
            for task in TASKS
        ]
        cells = [
            contender.title + (", with spans" if name == OURS else ""),
            _cell(result.first_score(name), "{:.2f}".format),
            *rates,
            _cell(result.peak_memory(name), lambda value: f"{value / 1e6:.0f}"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _ratio_lines(result: SpeedBenchmark) -> list[str]:
    rival = CONTENDERS[RIVAL].title
    times = "{:.1f}".format
    lines = [f"| stance beside {rival}, toxicity alone | ratio |", "|---|---:|"]
    lines.append(f"| cold start | {_cell(result.first_score_ratio(), '{:.2f}'.format)} |")
    for task, title in _TASK_TITLES.items():
        name = "comments/s: toxicity and spans" if task == "toxicity" else f"– {title}"
        lines.append(f"| {name} | {_cell(result.rate_ratio(task), times)} |")
    products = ", ".join(
        f"{library} {result.product(library).median / 1e9:.0f}"
        for library in result.rounds[0].products
    )
    share, encoder = result.encoder_share(), result.encoder()
    lines += [
        "",
        f"The encoder's matrix products reach {encoder.median / 1e9:.0f} "
        f"({encoder.low / 1e9:.0f}–{encoder.high / 1e9:.0f}) GFLOP/s: "
        f"{share.median:.0%} ({share.low:.0%}–{share.high:.0%}) of the fastest large float32 "
        f"matrix product ({products}).",
    ]
    return lines


def _threads(result: SpeedBenchmark) -> str:
    threads = result.machine.threads
    return f"{threads} {'thread' if threads == 1 else 'threads'}"


def _cell(spread: Spread, words: Callable[[float], str]) -> str:
    return f"{words(spread.median)} ({words(spread.low)}–{words(spread.high)})"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


# What many comments cost


def cost_lines(
    result: SpeedBenchmark, *, comments: int = MANY, price: float | None = None, price_of: str = ""
) -> list[str]:
    """Return, for each task, the time that many comments take and what that costs.

    Parameters
    ----------
    result : SpeedBenchmark
    comments : int
    price : float, optional
        Of an hour of a machine as fast as the measured one, in US dollars.
    price_of : str
        Which machine, whose price, and of when.
    """
    kind = f" ({price_of})" if price_of else ""
    lines = [f"{comments:,} comments on a machine like this one, {_threads(result)}{kind}:"]
    for task, title in _TASK_TITLES.items():
        rate = result.rate(OURS, task).median
        needed = hours(comments, rate)
        name = "toxicity and spans" if task == "toxicity" else title
        cost = "" if price is None else f", ${needed * price:,.0f} at ${price:g} an hour"
        lines.append(
            f"  {name}: {needed:,.0f} hours at {_count(rate)} comments a second{cost}; "
            f"on a hundred of them {needed / 100:,.1f} hours"
        )
    return lines


# Plot


def speed_plot(result: SpeedBenchmark, path: Path) -> None:
    """Draw cold start, comments a second and memory of all contenders; the ending says the format.

    Bars are medians, whiskers the range of the rounds.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = list(CONTENDERS)
    titles = [CONTENDERS[name].title for name in names]
    rows = [(name, task) for name in names for task in CONTENDERS[name].blocks]
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8, 6.4), layout="constrained")
        start, rates, memory = figure.subplots(3, 1, height_ratios=[1, 2.3, 1])
        _bars(start, names, titles, list(map(result.first_score, names)), "{:.2g} s".format)
        start.set_title("cold start to the first score, seconds", loc="left")
        _bars(
            rates,
            [name for name, _ in rows],
            [
                CONTENDERS[name].title if task == "toxicity" else _TASK_TITLES[task]
                for name, task in rows
            ],
            [result.rate(name, task) for name, task in rows],
            _count,
        )
        rates.set_xscale("log")
        rates.set_title("comments a second: toxicity (logarithmic)", loc="left")
        megabytes = [_scaled(result.peak_memory(name), 1e-6) for name in names]
        _bars(memory, names, titles, megabytes, "{:,.0f} MB".format)
        memory.set_title("peak memory, MB", loc="left")
        with atomic_file(path) as file:
            figure.savefig(file, format=path.suffix.removeprefix("."), dpi=150)


def _scaled(spread: Spread, factor: float) -> Spread:
    return Spread(spread.median * factor, spread.low * factor, spread.high * factor)


def _bars(
    axes: Any,
    names: Sequence[str],
    titles: Sequence[str],
    spreads: Sequence[Spread],
    words: Callable[[float], str],
) -> None:
    places = range(len(spreads))
    bars = axes.barh(
        places,
        [spread.median for spread in spreads],
        xerr=[
            [spread.median - spread.low for spread in spreads],
            [spread.high - spread.median for spread in spreads],
        ],
        color=["#1b6ca8" if name == OURS else "#9aa5b1" for name in names],
        error_kw={"elinewidth": 1, "capsize": 2},
    )
    axes.bar_label(bars, [words(spread.median) for spread in spreads], padding=6)
    axes.set_yticks(places, titles)
    axes.invert_yaxis()
    axes.margins(x=0.12)


# Command line


def write_report(result: SpeedBenchmark, folder: Path) -> list[Path]:
    """Write `speed.json`, `speed.md` and `speed.png` into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "speed.json", folder / "speed.md", folder / "speed.png"]
    with atomic_file(paths[0]) as file:
        file.write((json.dumps(result.to_dict(), indent=2) + "\n").encode())
    with atomic_file(paths[1]) as file:
        file.write(speed_markdown(result).encode())
    speed_plot(result, paths[2])
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says, write the report and print the table and the costs."""
    options = _options(arguments)
    try:
        _check_installed()
        result = benchmark_speed(
            options.model,
            threads=options.threads,
            rounds=options.rounds,
            lengths=options.lengths,
            progress=lambda text: print(f"benchmark: {text}", file=sys.stderr, flush=True),
        )
        paths = write_report(result, options.out)
    except StanceError as error:
        sys.exit(f"benchmark: {error}")
    print(speed_markdown(result))
    print("\n".join(cost_lines(result, price=options.price, price_of=options.price_of)))
    print(*paths, sep="\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmark speed")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for the report")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, metavar="FOLDER")
    parser.add_argument(
        "--threads",
        type=_positive,
        default=_processors(),
        metavar="N",
        help="of every contender (default: the processors that this process may use)",
    )
    parser.add_argument("--rounds", type=_positive, default=5, metavar="N")
    parser.add_argument(
        "--lengths", choices=LENGTHS, default="news", help="whose the comments' lengths are"
    )
    parser.add_argument(
        "--price", type=float, metavar="X", help="US dollars for an hour of such a machine"
    )
    parser.add_argument(
        "--price-of", default="", metavar="TEXT", help="which machine, whose price, and of when"
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _check_installed() -> None:
    for package, extra in (("torch", "train"), ("matplotlib", "evaluate")):
        if find_spec(package) is None:
            raise MissingExtraError("benchmark speed", extra, package)


if __name__ == "__main__":
    main()
