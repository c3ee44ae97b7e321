"""The live page in a real browser: it follows what happens, and what the reader did to it stays."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from scaffold.results.live.live_report import make_report_server
from scaffold.results.live.page_feed import ReportPageFeed
from scaffold.results.live.page_server import PageServer
from scaffold.results.report.gather import gather_report
from scaffold.results.report.page import render_html
from scaffold.sweeps.spec import run_names, sweep_file
from tests.results.browsing import DESK, PHONE, Visit, serious
from tests.results.conftest import MakeStudy, Study
from tests.sweeps.conftest import sweep as make_sweep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Serve = Callable[[Study], PageServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves the page of a study, which is looked at fifty times a second."""
    running = []

    def start(study: Study) -> PageServer:
        server = make_report_server(study.workspace, interval_s=0.02)
        running.append(server.running())
        running[-1].__enter__()
        return server

    yield start
    for each in running:
        each.__exit__(None, None, None)


def fill(study: Study, runs: int = 9) -> Study:
    """Nine runs, one of which failed."""
    for seed in range(1, runs):
        study.add("baseline", seed, {"lr": 0.1}, {"acc": 0.5 + seed / 100})
    study.add("baseline", runs, {"lr": 0.1}, status="failed")
    return study


def wait_for_rows(page: Page, number: int) -> None:
    expect(page.locator("table.runs tbody tr")).to_have_count(number, timeout=60_000)


def test_a_run_that_ends_is_there_without_a_reload(browser: Browser, study: Study, serve: Serve) -> None:
    server = serve(fill(study))
    with Visit(browser, server.url) as visit:
        visit.page.evaluate("window.same = true")
        wait_for_rows(visit.page, 9)
        study.add("wide", 1, {"lr": 0.1}, {"acc": 0.9})
        wait_for_rows(visit.page, 10)
        assert visit.page.evaluate("window.same") and "wide" in visit.page.locator("#results").inner_text()
        assert visit.complaints == [] and "Live" in visit.page.locator("#live").inner_text()
        assert {url.rpartition("/")[2] for url in visit.requests} <= {"", "events"}, "nothing else is asked for"


def test_what_the_reader_did_stays(browser: Browser, study: Study, serve: Serve) -> None:
    server = serve(fill(study))
    with Visit(browser, server.url) as visit:
        page = visit.page
        page.locator("details.cause summary").click()
        page.locator("#filter").fill("s3")
        page.locator("table.runs tbody tr:visible button").focus()
        page.evaluate("scrollTo(0, 400)")
        study.add("baseline", 33, {"lr": 0.1}, {"acc": 0.9})
        wait_for_rows(page, 10)
        assert page.locator("details.cause").evaluate("(d) => d.open")
        assert page.locator("#filter").input_value() == "s3" and page.locator("#filtered").inner_text() == "2 of 10"
        assert "-s3-" in page.evaluate("document.activeElement.innerText") and page.evaluate("scrollY") == 400
        assert visit.complaints == []


def test_an_open_run_stays_the_same_run(browser: Browser, study: Study, serve: Serve) -> None:
    server = serve(fill(study))
    with Visit(browser, server.url) as visit:
        page = visit.page
        page.locator("table.runs button", has_text="-s2-").click()
        name = page.locator("#drawer-title").inner_text()
        study.add("baseline", 10, {"lr": 0.1}, {"acc": 0.9})
        wait_for_rows(page, 10)
        assert page.locator("#drawer-title").inner_text() == name and name in page.locator("#drawer-body").inner_text()
        page.locator("#drawer a").first.click()
        assert "/files/exp/" in page.url and '"schema_version"' in page.content()


def test_a_sweep_under_way_is_a_bar_that_grows(browser: Browser, study: Study, serve: Serve) -> None:
    rates = ({"lr": "0.1"}, {"lr": "0.2"}, {"lr": "0.3"}, {"lr": "0.4"})
    planned = make_sweep(name="rates", configurations=rates, seeds=())
    sweep_file.write_sweep(study.workspace, planned)
    runs = run_names.planned_runs(study.workspace, planned)
    server = serve(fill(study))
    with Visit(browser, server.url, PHONE) as visit:
        sweep = visit.page.locator("#sweeps li")
        assert "0 of 4 runs done" in sweep.inner_text() and "4 not started" in sweep.inner_text()
        for done, run in enumerate(runs, start=1):
            study.add("baseline", None, {"lr": run.params["lr"]}, {"acc": 0.9}, name=run.name)
            if done < len(runs):
                expect(sweep).to_contain_text(f"{done} of 4 runs done", timeout=60_000)
        expect(visit.page.locator("#sweeps")).to_have_count(0, timeout=60_000)
        assert visit.complaints == []


def test_a_figure_that_is_drawn_anew_is_as_the_reader_had_it(browser: Browser, study: Study, serve: Serve) -> None:
    def add(experiment: str) -> None:
        rows = "".join(f'{{"step": {i}, "acc": {i / 10}}}\n' for i in range(1, 9))
        study.add(experiment, 1, {"lr": 0.1}, {"acc": 0.8}, files={"metrics.jsonl": rows})

    for name in ("baseline", "wide"):
        add(name)
    server = serve(study)
    with Visit(browser, server.url) as visit:
        figure = visit.page.locator("figure[data-other]").first
        figure.locator(".legend button").first.click()
        figure.locator("button[data-axis]").click()
        shown = figure.locator("svg.chart:visible").get_attribute("aria-labelledby")
        add("deep")
        wait_for_rows(visit.page, 3)
        expect(figure.locator(".legend button")).to_have_count(3, timeout=60_000)
        assert figure.locator("svg.chart:visible").get_attribute("aria-labelledby") == shown
        assert figure.locator(".legend button").first.get_attribute("aria-pressed") == "false"
        assert visit.complaints == []


def test_a_server_that_ended_is_said(browser: Browser, study: Study, serve: Serve) -> None:
    server = make_report_server(fill(study).workspace, interval_s=0.02)
    with server.running():
        visit = Visit(browser, server.url)
        wait_for_rows(visit.page, 9)
    with visit:
        expect(visit.page.locator("#live")).to_contain_text("Not live", timeout=60_000)
        visit.page.locator("table.runs button").first.click()
        assert visit.page.locator("#drawer").is_visible(), "what was loaded still works"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_has_no_serious_fault_after_an_update(
    browser: Browser, study: Study, serve: Serve, size: tuple[int, int], scheme: str
) -> None:
    server = serve(fill(study))
    with Visit(browser, server.url, size, scheme, reduced_motion="reduce") as visit:
        study.add("wide", 1, {"lr": 0.1}, {"acc": 0.9})
        wait_for_rows(visit.page, 10)
        width, inner = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert serious(visit) == [] and width <= inner and visit.complaints == []


@pytest.mark.parametrize("updates", [8, pytest.param(360, marks=pytest.mark.long)])
def test_an_hour_of_updates_makes_the_tab_no_larger(browser: Browser, make_study: MakeStudy, updates: int) -> None:
    """Pages of 60 and of 61 runs in turns: 360 of them are an hour of one every ten seconds."""
    small, large = fill(make_study(name="small"), 60), fill(make_study(name="large"), 61)
    pages = [gather_report(study.workspace, study.root / "r.html", files_address="files/") for study in (large, small)]
    feed = ReportPageFeed(lambda number: render_html(pages[number % 2], live_number=number), itertools.count().__next__)
    server = PageServer(small.workspace, feed)
    heap, nodes = [], []
    with contextlib.ExitStack() as stack:
        stack.enter_context(server.serving())
        visit = stack.enter_context(Visit(browser, server.url))
        session = visit.context.new_cdp_session(visit.page)
        for count in (3, updates):
            for _ in range(count):
                feed.look()
                wait_for_rows(visit.page, 60 if feed.page.number % 2 else 61)
            session.send("HeapProfiler.collectGarbage")
            heap.append(session.send("Runtime.getHeapUsage")["usedSize"])
            nodes.append(session.send("Memory.getDOMCounters")["nodes"])
        assert visit.complaints == []
    assert heap[1] < heap[0] * 1.2 + 1e6 and nodes[1] < nodes[0] * 1.2 + 1000, f"{heap} bytes, {nodes} nodes"
