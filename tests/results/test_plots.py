"""What figures show, the tables behind them, and that drawing them twice gives the same bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import pytest

from scaffold.observations import series
from scaffold.observations.model import MetricSeries, SeriesPoint
from scaffold.results.plots import axis_scale, build_figures, page_svg, row_selection
from scaffold.results.plots.figures import (
    Axis,
    Bar,
    BarChart,
    CurveLine,
    Figure,
    LineChart,
    MeanPoint,
    ParallelPlot,
    RunSpan,
    RunTimeline,
    figure_to_csv,
)
from scaffold.results.plots.learning_curves import choose_curve_metrics, thin_out
from scaffold.results.plots.matplotlib_files import render_figure_files
from scaffold.results.plots.timeline import pack_spans_into_rows
from scaffold.results.report.folded_results import fold_report_results
from scaffold.runs import records
from tests.conftest import Run
from tests.results.conftest import Study


def course(values: Sequence[float], metric: str = "acc", every: int = 1) -> dict[str, str]:
    rows = [json.dumps({"step": (i + 1) * every, metric: v}) for i, v in enumerate(values)]
    return {"metrics.jsonl": "\n".join(rows) + "\n"}


@pytest.fixture
def swept(study: Study) -> Study:
    """A baseline and a grid of lr and optimiser, three seeds each, with learning curves."""
    grid = [0.001, 0.01, 1.0]
    for experiment, optimiser, rates in (("baseline", "sgd", [0.1]), ("grid", "sgd", grid), ("grid", "adam", grid)):
        for rate in rates:
            for seed in (1, 2, 3):
                top = 0.5 + 0.1 * math.log10(rate * 1000 + 1) + 0.01 * seed + 0.05 * (optimiser == "adam")
                values = [top * (1 - math.exp(-i)) for i in range(1, 6)]
                params = {"lr": rate, "optimiser": optimiser}
                study.add(experiment, seed, params, {"acc": values[-1]}, files=course(values))
    study.add("grid", 1, {"lr": 100.0, "optimiser": "sgd"}, status="failed")
    return study


def courses(study: Study) -> dict[str, dict[str, MetricSeries]]:
    runs = records.read_records(study.workspace).runs
    return {run.label: series.read_series(study.workspace, run) for run in runs}


def figures(study: Study) -> tuple[Figure, ...]:
    return build_figures.build_figures(
        study.table(), courses(study), records.read_records(study.workspace).runs, ["acc"]
    )


def test_a_sweep_has_all_figures(swept: Study) -> None:
    names = [figure.name for figure in figures(swept)]
    assert names == ["bars-acc", "curves-acc", "sensitivity-acc-lr", "parallel-acc", "timeline"]


def test_bars_are_ranked_and_hold_each_seed(swept: Study) -> None:
    bars = figures(swept)[0]
    assert isinstance(bars, BarChart)
    means = [bar.mean for bar in bars.bars]
    assert means == sorted(means, reverse=True) and len(bars.bars) == 7
    assert all(len(bar.values) == 3 and bar.low is not None and bar.low < bar.mean for bar in bars.bars)
    assert "higher is better" in bars.caption


def test_curves_have_a_band_over_seeds_and_show_the_baseline(swept: Study) -> None:
    curves = figures(swept)[1]
    assert isinstance(curves, LineChart)
    assert len(curves.lines) == row_selection.MOST_LINES and any("baseline" in line.label for line in curves.lines)
    mark = curves.lines[0].means[0]
    assert mark.x == 1 and mark.n == 3 and mark.low is not None and mark.low < mark.mean < (mark.high or 0)
    assert "6 of 7 configurations" in curves.caption


def test_seeds_that_logged_at_other_steps_meet_on_the_line_between(study: Study) -> None:
    study.add("a", 1, {}, {"acc": 0.4}, files=course([0.1, 0.2, 0.3, 0.4]))
    study.add("a", 2, {}, {"acc": 0.4}, files=course([0.2, 0.4], every=2))
    curves = next(f for f in figures(study) if isinstance(f, LineChart))
    marks = {m.x: (m.n, round(m.mean, 6)) for m in curves.lines[0].means}
    assert marks == {1: (1, 0.1), 2: (2, 0.2), 3: (2, 0.3), 4: (2, 0.4)}


@pytest.mark.parametrize(
    ("files", "logs", "chosen"),
    [
        # what is printed as well is no curve of its own, and one that is printed alone comes last
        ({"val/acc": 0.51234, "b": 1.0}, {"accuracy": 0.5123, "z": 3.0}, ["val/acc", "b", "z"]),
        ({"val/acc": 0.51234, "b": 1.0, "c": 2.0}, {"a": 9.0}, ["val/acc", "b", "c"]),
        ({}, {"val/acc": 0.5, "a": 0.5}, ["val/acc", "a"]),
        ({"b": 1.0}, {}, ["b"]),
    ],
)
def test_which_metrics_have_a_curve(files: dict[str, float], logs: dict[str, float], chosen: list[str]) -> None:
    def series_of(values: dict[str, float], path: str) -> dict[str, MetricSeries]:
        points = {name: (SeriesPoint(0.0, 1, None), SeriesPoint(value, 2, None)) for name, value in values.items()}
        return {name: MetricSeries(metric=name, path=path, points=of, stride=1) for name, of in points.items()}

    curves = {"run": {**series_of(files, "exp/outputs/run/metrics.jsonl"), **series_of(logs, "exp/logs/run.out")}}
    metrics = ["val/acc", *sorted({*files, *logs, "unseen"} - {"val/acc"})]
    assert choose_curve_metrics(curves, metrics, most=3) == chosen


def test_values_that_are_not_finite_are_left_out(study: Study) -> None:
    study.add(
        "a",
        1,
        {},
        {"acc": 0.4},
        files=course([0.1, math.nan, 0.4]),
    )
    study.add("a", 2, {}, {"acc": math.inf})
    found = figures(study)
    assert [m.x for m in next(f for f in found if isinstance(f, LineChart)).lines[0].means] == [1, 3]
    assert next(f for f in found if isinstance(f, BarChart)).bars[0].values == (0.4,)
    for figure in found:
        assert "nan" not in page_svg.figure_svg(figure).lower().replace("finance", "") and "inf" not in re.sub(
            r"<[^>]*>", "", page_svg.figure_svg(figure)
        )


def test_sensitivity_needs_three_numbers_and_is_on_a_log_axis_where_they_span(swept: Study) -> None:
    found = figures(swept)[2]
    assert isinstance(found, LineChart) and found.dots and found.x.scale == "log"
    assert [line.label for line in found.lines] == ["grid optimiser=adam", "grid optimiser=sgd"]
    assert [m.x for m in found.lines[0].means] == [0.001, 0.01, 1.0] and len(found.lines[0].points) == 9
    assert build_figures.build_sensitivity(swept.table(), "acc", "optimiser") is None


def test_parallel_coordinates_give_words_a_place(swept: Study) -> None:
    found = figures(swept)[3]
    assert isinstance(found, ParallelPlot)
    assert [c.axis.label for c in found.axes] == ["lr", "optimiser", "acc"]
    assert found.axes[1].names == ("adam", "sgd") and len(found.lines) == 7


def test_the_timeline_puts_what_overlaps_side_by_side() -> None:
    spans = [
        RunSpan(label=str(i), start=a, end=b, status="finished")
        for i, (a, b) in enumerate([(0, 4), (1, 2), (2, 6), (4, 5)])
    ]
    assert [[s.label for s in row] for row in pack_spans_into_rows(spans)] == [["0", "3"], ["1", "2"]]


def test_the_timeline_says_where_and_how_runs_ended(swept: Study) -> None:
    found = figures(swept)[-1]
    assert isinstance(found, RunTimeline)
    assert [lane.label for lane in found.lanes] == ["elsewhere"] and found.x.unit == "minutes"
    assert {s.status for row in found.lanes[0].rows for s in row} == {"finished", "failed"}


def test_metrics_of_nearly_one_name_are_two_files(study: Study) -> None:
    rows = "".join(json.dumps({"step": i, "a+b": i, "a b": i}) + "\n" for i in range(3))
    study.add("a", 1, {}, {"a+b": 2.0, "a b": 2.0}, files={"metrics.jsonl": rows})
    found = build_figures.build_figures(study.table(), courses(study), (), ["a+b", "a b"])
    assert [figure.name for figure in found] == ["bars-a-b", "curves-a-b", "curves-a-b-2"]


def test_each_figure_has_a_name_of_its_own(study: Study) -> None:
    for value in range(1, 4):
        for name in ("x", "X", "x_2"):
            study.add(
                "a",
                1,
                {"x": 1, "X": 1, "x_2": 1, name: value},
                {"acc": value / 10},
                name=f"a-{name}{value}-{value:08x}",
            )
    found = fold_report_results(study.workspace, ()).figures
    names = [figure.name for figure in found]
    assert names.count("sensitivity-acc-x-2") == 1 and len(names) == len(set(names)) >= 4


def test_no_runs_no_figures(study: Study) -> None:
    assert build_figures.build_figures(study.table(), {}, (), []) == ()


def test_the_csv_holds_what_is_drawn(swept: Study) -> None:
    bars = figures(swept)[0]
    assert isinstance(bars, BarChart)
    rows = list(csv.DictReader(io.StringIO(figure_to_csv(bars))))
    assert [row["configuration"] for row in rows] == [bar.label for bar in bars.bars]
    assert [float(row["mean acc"]) for row in rows] == [bar.mean for bar in bars.bars]
    assert {row["n"] for row in rows} == {"3"}


def test_a_cell_is_no_formula() -> None:
    axis = Axis(label="acc")
    bar = Bar(label="=cmd|'/c calc'!A1", mean=0.5, low=None, high=None, values=(0.5,))
    text = figure_to_csv(BarChart(name="b", title="t", caption="c", x=axis, bars=(bar,)))
    assert next(csv.reader(text.splitlines()[1:]))[0] == "'=cmd|'/c calc'!A1"


SAME = """
import hashlib, sys
from scaffold.results.plots import page_svg
from scaffold.results.plots.matplotlib_files import draw_files
from tests.results.test_plots import evil_figures
for figure in evil_figures():
    for kind, data in draw_files(figure).items():
        print(figure.name, kind, hashlib.sha256(data).hexdigest())
    print(figure.name, "inline", hashlib.sha256(page_svg.figure_svg(figure).encode()).hexdigest())
"""
EVIL = '<script>alert("x")</script> $\\alpha & "q" ]]>'


def evil_figures() -> list[Figure]:
    """One figure of each kind whose every text is an attack, and a formula."""
    marks = tuple(MeanPoint(x=float(x), mean=x / 10, low=x / 10 - 0.01, high=x / 10 + 0.01, n=3) for x in range(1, 5))
    axis = Axis(label=EVIL, unit=EVIL)
    line = CurveLine(label=EVIL, means=marks, points=((1.0, 0.1),))
    span = RunSpan(label=EVIL, start=0, end=5, status="finished")
    from scaffold.results.plots.figures import HostLane, ParallelCoordinatesAxis, ParallelLine

    return [
        LineChart(name="curves", title=EVIL, caption=EVIL, x=axis, y=axis, lines=(line,)),
        LineChart(name="dots", title=EVIL, caption=EVIL, x=axis, y=axis, lines=(line, line), dots=True),
        BarChart(
            name="bars",
            title=EVIL,
            caption=EVIL,
            x=axis,
            bars=(Bar(label=EVIL, mean=1.0, low=0.5, high=1.5, values=(0.7, 1.3)),),
        ),
        ParallelPlot(
            name="parallel",
            title=EVIL,
            caption=EVIL,
            axes=(ParallelCoordinatesAxis(axis=axis, names=(EVIL, "b")), ParallelCoordinatesAxis(axis=axis)),
            lines=(ParallelLine(label=EVIL, values=(0.0, 1.0)), ParallelLine(label="b", values=(1.0, None))),
        ),
        RunTimeline(
            name="timeline",
            title=EVIL,
            caption=EVIL,
            x=axis,
            unit_seconds=1.0,
            begins="2026",
            lanes=(HostLane(label=EVIL, rows=((span,),)),),
        ),
    ]


@pytest.mark.slow
@pytest.mark.long
def test_the_same_figure_gives_the_same_bytes_in_any_process() -> None:
    here = []
    for figure in evil_figures():
        for kind, data in render_figure_files(figure).items():
            here.append(f"{figure.name} {kind} {hashlib.sha256(data).hexdigest()}")
        here.append(f"{figure.name} inline {hashlib.sha256(page_svg.figure_svg(figure).encode()).hexdigest()}")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": "0"}
    there = subprocess.run([sys.executable, "-c", SAME], capture_output=True, text=True, check=True, env=environment)
    assert there.stdout.splitlines() == here


@pytest.mark.parametrize("figure", evil_figures(), ids=lambda figure: figure.name)
def test_texts_stay_texts(figure: Figure) -> None:
    drawn = render_figure_files(figure)["svg"].decode()
    for svg in (page_svg.figure_svg(figure), drawn):
        root = ElementTree.fromstring(svg)
        assert not [e for e in root.iter() if e.tag.lower().endswith("script")]
        assert "<script" not in svg
    assert "<dc:date>" not in drawn and "20" + "26-" not in drawn
    title = ElementTree.fromstring(page_svg.figure_svg(figure)).find("title")
    assert title is not None and title.text == EVIL


def test_axes_have_round_ticks() -> None:
    assert axis_scale.linear_ticks(0, 1, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert axis_scale.tick_labels([0.90, 0.92, 0.94]) == ["0.90", "0.92", "0.94"]
    assert axis_scale.log_ticks(1e-4, 1e-1, 6) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert axis_scale.short_number(0.00003) == "3e-5"
    assert axis_scale.short_number(12000.0) == "12k" and axis_scale.short_number(0.93121) == "0.9312"


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [0.0, 0.0],
        [math.nan],
        [-1e300, 1e300],
        [1e-300, 2e-300],
        [5.0, math.inf],
        [1.0, 1e305],
        [5e-324, 1.7e308],
    ],
)
def test_an_axis_of_odd_values_is_an_axis(values: list[float]) -> None:
    for scale in ("linear", "log"):
        found = axis_scale.fit_scale(values, 0, 100, scale=scale)
        assert found.low < found.high and all(0 <= found.at(t) <= 100 for t in found.ticks())


def test_many_points_are_thinned_evenly_with_both_ends() -> None:
    kept = thin_out(list(range(1000)), 10)
    assert len(kept) == 10 and kept[0] == 0 and kept[-1] == 999


def test_bars_start_at_0_only_where_that_shows_something() -> None:
    assert axis_scale.should_include_zero([0.2, 0.4]) and axis_scale.should_include_zero([-1, 1])
    assert not axis_scale.should_include_zero([0.90, 0.93])


def test_the_command_writes_svg_png_and_csv(run: Run, swept: Study) -> None:
    out = swept.root / "plots"
    done = run("report", "plots", "--workdir", swept.root, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert len(answer["plots"]) == 5 and sorted(answer["files"]) == sorted(map(str, out.iterdir()))
    assert (out / "bars-acc.svg").read_bytes().startswith(b"<?xml") and (out / "bars-acc.png").read_bytes().startswith(
        b"\x89PNG"
    )


def test_a_metric_that_no_run_has(run: Run, swept: Study) -> None:
    done = run("report", "plots", "--workdir", swept.root, "--out", swept.root / "plots", "--metric", "nope")
    assert done.exit_code == 1 and "nope" in done.stderr and not (swept.root / "plots").exists()


def test_without_matplotlib_it_is_said_what_is_missing(run: Run, swept: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run("report", "plots", "--workdir", swept.root, "--out", swept.root / "plots")
    assert done.exit_code == 1 and "matplotlib" in done.stderr and "experiment-scaffold[plots]" in done.stderr


def test_an_option_before_the_subcommand_is_refused(run: Run, swept: Study) -> None:
    done = run("report", "--workdir", swept.root, "plots", "--out", swept.root / "plots")
    assert done.exit_code == 2 and "--workdir stands before `plots`" in done.stderr


def test_of_a_large_table_the_other_metrics_have_bars_alone(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    for lr in (1, 2, 3):
        study.add(seed=1, params={"lr": lr}, metrics={"acc": 0.5 + lr, "loss": lr})
    table = study.table()
    whole = [figure.name for figure in build_figures.build_figures_of_others(table, ["acc", "loss"])]
    monkeypatch.setattr(build_figures, "MOST_ROWS_OF_OTHERS", 2)
    few = [figure.name for figure in build_figures.build_figures_of_others(table, ["acc", "loss"])]
    assert len(whole) == 2 and few == whole[:1]
