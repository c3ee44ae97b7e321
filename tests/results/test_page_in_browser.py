"""The page in a real browser: no error, no request, no serious fault of accessibility, and everything works by keyboard.

Chromium is Debian's; where there is none, these tests are skipped on a developer's machine and fail in the gate (CI is set).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from scaffold.results.report.gather import gather_report
from scaffold.results.report.page import render_html
from tests.results.browsing import DESK, PHONE, Visit, serious
from tests.results.conftest import ANSWERS as BARE
from tests.results.conftest import Study
from tests.results.report_workspace import ANSWERS, ATTACK, fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of a workspace with something of everything; nobody changes it."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
        yield written(fill(Study(folder / "study", BARE + ANSWERS)))


def written(study: Study) -> Path:
    path = study.root / "exp/analysis/report.html"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(render_html(gather_report(study.workspace, path)))
    return path


def test_it_opens_without_a_complaint_or_a_request(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        assert visit.complaints == [] and visit.requests == [full.as_uri()]
        assert visit.page.evaluate("window.pwned") is None
        assert ATTACK in visit.page.locator("h1").or_(visit.page.locator(".goal")).first.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_it_has_no_serious_fault(browser: Browser, full: Path, size: tuple[int, int], scheme: str) -> None:
    with Visit(browser, full.as_uri(), size, scheme) as visit:
        visit.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        assert serious(visit) == []
        width, inner = visit.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= inner, "the page is wider than the window"
        visit.page.locator("[data-cell]").first.click()
        assert serious(visit) == [] and visit.complaints == []


def test_a_number_is_followed_to_its_run_by_keyboard(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        page, drawer = visit.page, visit.page.locator("#drawer")
        page.locator("[data-cell]").first.focus()
        page.keyboard.press("Enter")
        assert drawer.is_visible() and page.locator("#drawer-title").inner_text().startswith("val/acc of ")
        assert drawer.locator("tbody tr").count() == 3 and "P2-T1" in drawer.locator(".chain").inner_text()
        run = drawer.locator("button[data-run]").first
        name = run.inner_text()
        run.focus()
        page.keyboard.press("Enter")
        assert page.locator("#drawer-title").inner_text() == name
        assert "a" * 40 in drawer.inner_text() and "scaffold runs rerun" in drawer.inner_text()
        page.keyboard.press("Escape")
        assert not drawer.is_visible()
        assert page.evaluate("document.activeElement.hasAttribute('data-cell')")
        assert visit.complaints == []


def test_files_in_the_drawer_lead_somewhere(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        visit.page.locator("[data-cell]").first.click()
        links = visit.page.locator("#drawer td a[href]")
        assert links.count() == 3
        for link in links.all():
            assert visit.page.request is not None
            path = visit.page.evaluate("(a) => decodeURIComponent(new URL(a.href).pathname)", link.element_handle())
            assert Path(path).is_file()


def test_a_task_in_the_drawer_leads_to_the_plan(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        visit.page.locator("[data-cell]").first.click()
        visit.page.locator("#drawer a[data-leave]").first.click()
        assert not visit.page.locator("#drawer").is_visible()
        assert visit.page.url.endswith("#task-P2-T1") and visit.page.locator("#task-P2-T1").is_visible()


def test_a_link_to_a_task_opens_its_phase(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        assert not visit.page.locator("#task-P1-T1").is_visible()
        visit.page.evaluate("location.hash = '#task-P1-T1'")
        visit.page.locator("#task-P1-T1").wait_for(state="visible")


def test_runs_are_filtered(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        visit.page.locator("#filter").fill("wide failed")
        assert visit.page.locator("table.runs tbody tr:visible").count() == 3
        assert visit.page.locator("#filtered").inner_text() == "3 of 19"


def test_texts_in_the_drawer_stay_texts(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        for button in visit.page.locator(".results [data-cell]").all():
            button.click()
            visit.page.locator("#drawer button[data-run]").first.click()
            visit.page.keyboard.press("Escape")
        assert visit.page.evaluate("[window.pwned, document.querySelectorAll('img').length]") == [None, 0]
        assert visit.complaints == []


def curves(visit: Visit) -> Locator:
    """The learning curves, scrolled to."""
    figure = visit.page.locator("figure[data-other]").first
    figure.scroll_into_view_if_needed()
    return figure


def test_where_one_points_the_values_are_those_of_the_csv(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        figure = curves(visit)
        figure.locator("svg.chart:visible").hover(position={"x": 300, "y": 100})
        head, *lines = figure.locator(".tip").inner_text().split("\n")
        text = unquote(figure.locator("figcaption a").get_attribute("href") or "").partition(",")[2]
        name, step = head.rsplit(" ", 1)
        means = {
            row["configuration"]: float(row["mean val/acc"])
            for row in csv.DictReader(text.splitlines())
            if float(row["step"]) == float(step)
        }
        shown = {line.rpartition(": ")[0]: float(line.rpartition(": ")[2].split()[0]) for line in lines}
        assert name == "step" and len(shown) > 1 and shown == pytest.approx(means, rel=1e-4)
        visit.page.mouse.move(1, 1)
        assert not figure.locator(".tip").is_visible() and visit.complaints == []


def test_series_are_hidden_and_an_axis_is_changed_by_keyboard(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        figure = curves(visit)
        first = figure.locator(".legend button").first
        first.focus()
        visit.page.keyboard.press("Enter")
        assert first.get_attribute("aria-pressed") == "false"
        assert not figure.locator("svg.chart:visible g[data-series='0']").is_visible()
        axis = figure.locator("button[data-axis]")
        before = figure.locator("svg.chart:visible").get_attribute("aria-labelledby")
        axis.focus()
        visit.page.keyboard.press("Enter")
        after = figure.locator("svg.chart:visible")
        assert after.count() == 1 and after.get_attribute("aria-labelledby") != before
        assert not after.locator("g[data-series='0']").is_visible(), "what is hidden stays hidden"
        first.click()
        assert after.locator("g[data-series='0']").is_visible()
        assert serious(visit) == [] and visit.complaints == []


def test_another_metric_takes_the_place_of_the_first(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        choice = visit.page.get_by_label("Plots of")
        names = choice.locator("option").all_inner_texts()
        assert len(names) > 1 and choice.input_value() == names[0]
        for name in (names[1], names[0]):
            choice.select_option(name)
            shown = visit.page.locator("#results figure[data-metric]:visible")
            assert {figure.get_attribute("data-metric") for figure in shown.all()} == {name}
            assert shown.locator("h3").first.inner_text() == f"{name} of each configuration"
        assert visit.complaints == []


def test_it_prints_whole(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri()) as visit:
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        visit.page.emulate_media(media="print")
        assert visit.page.locator("#task-P1-T1").is_visible() and visit.page.locator("pre.log").first.is_visible()
        assert not visit.page.locator("nav").is_visible()
        visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not visit.page.locator("#task-P1-T1").is_visible()
        assert visit.page.pdf()[:5] == b"%PDF-"


def test_it_reads_without_scripts(browser: Browser, full: Path) -> None:
    with Visit(browser, full.as_uri(), java_script_enabled=False) as visit:
        assert visit.page.locator("table.results tbody tr").count() > 5
        assert visit.page.locator("figure svg").count() > 4


def test_a_page_without_runs(browser: Browser, study: Study) -> None:
    with Visit(browser, written(study).as_uri(), PHONE) as visit:
        assert visit.complaints == [] and serious(visit) == []
        assert "No runs yet" in visit.page.locator("h2").first.inner_text()


@pytest.fixture(scope="module")
def hydra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The page of a sweep as a Hydra repository types it: long names, long constants, and one run that failed with other ones."""
    folder = tmp_path_factory.mktemp("hydra")
    constants = {
        "experiment": "configs/experiment/imagenet_vit_base_patch16_224_augreg",
        "datamodule.data_dir": "/datasets/imagenet/ilsvrc2012/webdataset/train-shards",
        "trainer.max_epochs": 300,
        "trainer.precision": "bf16-mixed",
        "model.scheduler._target_": "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
        study = Study(folder / "study", BARE + ANSWERS)
        for rate in (0.0001, 0.001, 0.01):
            for name in ("decoupled_lamb_with_warmup", "decoupled_adamw_with_warmup"):
                for seed in (1, 2, 3):
                    swept = {
                        "model.optimizer.weight_decay_of_the_backbone": rate,
                        "model.optimizer": f"optimizers/decoupled/{name}",
                        "callbacks.early_stopping.patience": 10,
                    }
                    value = 0.7 + rate + seed / 100 + (0.0004 if "lamb" in name else 0.0) * seed
                    study.add(
                        "imagenet_vit",
                        seed,
                        {**constants, **swept},
                        {"val/acc": value},
                        name=f"imagenet_vit-s{seed}-{study.count:08x}",
                    )
        study.add("imagenet_vit", 1, {"hydra/launcher": "submitit", "experiment": "none"}, status="failed")
        yield written(study)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_of_a_hydra_sweep_is_cut(browser: Browser, hydra: Path, width: int) -> None:
    with Visit(browser, hydra.as_uri(), (width, 900)) as visit:
        page = visit.page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
        cut = page.evaluate(
            "[...document.querySelectorAll('svg text, .verdicts *, .results th')].map(e => e.textContent).filter(t => t.includes('…'))"
        )
        assert cut == []
        outside = page.evaluate(
            "[...document.querySelectorAll('figure svg')].flatMap(svg => { const box = svg.getBoundingClientRect();"
            " return [...svg.querySelectorAll('text')].filter(t => { const b = t.getBoundingClientRect();"
            " return b.right > box.right + 2 || b.left < box.left - 2; }).map(t => t.textContent); })"
        )
        assert outside == []
        lines = page.evaluate(
            "(() => { const h = document.querySelector('.headline');"
            " return h.getBoundingClientRect().height / parseFloat(getComputedStyle(h).lineHeight); })()"
        )
        assert round(lines) <= 3, page.locator(".headline").inner_text()
