"""The benchmarks run, answer in one shape, and say the truth about limits. How fast anything is, no test says."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import command_line, interleaved, machine, result_rows
from benchmarks.interleaved import Contender
from benchmarks.result_rows import LastRun, Reference, Row

PROJECT = Path(__file__).parents[1]
ROW = Row(benchmark="b", what="w", ours=60.0, unit="ms", limit=60)
MACHINE = machine.Machine(
    cpu="C",
    cores=2,
    memory_gb=4.0,
    system="S",
    python="3",
    git="2",
    date="2026-01-02",
    commit="abc",
    clean=True,
    load=(0.5, 0.0, 0.0),
)


def answering(monkeypatch: pytest.MonkeyPatch, *found: Row, error: Exception | None = None) -> None:
    """One benchmark `fake` that answers so."""
    module = types.ModuleType("benchmarks.fake")

    def measure(*, quick: bool, peers: object) -> Sequence[Row]:
        if error:
            raise error
        return found

    module.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.fake", module)
    monkeypatch.setattr(command_line, "BENCHMARKS", {"fake": ("fake",)})


@pytest.mark.long
def test_a_cheap_part_runs_and_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "last.json"
    command: list[str | Path] = [
        sys.executable,
        PROJECT / "benchmarks" / "run",
        "--quick",
        "--no-peers",
        "plan",
        "--keep",
        kept,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    last = result_rows.read_last_run(kept)
    assert done.returncode == (3 if any(row.met is False for row in last.rows) else 0), done.stderr
    assert last.quick and {row.benchmark for row in last.rows} == {"plan"}
    assert done.stdout == f"{result_rows.format_table(last.rows)}\n\n{last.line()}\n"
    assert "check of 25 tasks" in done.stdout and f"Python {sys.version.split()[0]}" in done.stdout


@pytest.mark.parametrize(("ours", "code", "shown"), [(60.0, 0, "60 ms met"), (60.1, 3, "60 ms MISSED")])
def test_a_missed_limit_is_exit_code_3(
    ours: float, code: int, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, replace(ROW, ours=ours), replace(ROW, what="no limit", ours=1e9, limit=None))
    assert command_line.main(["--no-peers", "fake"]) == code
    assert shown in capsys.readouterr().out


def test_a_benchmark_that_fails_is_exit_code_1_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, error=RuntimeError("it ended with 1"))
    assert command_line.main(["--no-peers", "--keep", str(tmp_path / "last.json")]) == 1
    said = capsys.readouterr().err
    assert "it ended with 1" in said and "failed: fake" in said
    assert not list(tmp_path.iterdir())


def test_a_part_does_not_replace_the_last_whole_run() -> None:
    for words in (["plan"], ["--quick"], ["--no-peers"]):
        assert command_line.parse_arguments(words).keep is None
    assert command_line.parse_arguments([]).keep == result_rows.LAST_FILE


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command_line.main(["speed"])
    assert stopped.value.code == 2
    assert "no benchmark speed; there are detect, lifecycle" in capsys.readouterr().err


def test_every_benchmark_is_a_module_with_the_same_function() -> None:
    for modules in command_line.BENCHMARKS.values():
        for name in modules:
            assert (PROJECT / "benchmarks" / f"{name}.py").read_text().count(
                "\ndef measure(*, quick: bool = False"
            ) == 1


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    row = replace(ROW, beside=(Reference(name="duct", version="1.2", value=120.0), Reference(name="é", value=0.0)))
    last = LastRun(machine=MACHINE, seconds=3.0, quick=False, rows=(row, ROW))
    last.write(tmp_path / "last.json")
    assert result_rows.read_last_run(tmp_path / "last.json") == last


def test_a_row_shows_our_ratio_to_what_stands_beside_it() -> None:
    beside = (Reference(name="duct", version="1.2", value=120.0), Reference(name="none", value=0.0))
    assert replace(ROW, beside=beside).cells()[-1] == "duct 1.2 120 ms (0.500 x); none 0.000 ms"
    assert replace(ROW, unit="x", beside=beside[:1]).cells()[-1] == "duct 1.2 120 x"


def test_the_machine_line_warns_where_it_was_busy() -> None:
    assert "BUSY" not in MACHINE.line() and "with changes" not in MACHINE.line()
    assert "BUSY" in replace(MACHINE, load=(1.5, 0.0, 0.0)).line()
    assert "commit abc, with changes" in replace(MACHINE, clean=False).line()


def test_the_last_whole_run_is_whole() -> None:
    last = result_rows.read_last_run(result_rows.LAST_FILE)
    assert not last.quick
    assert {row.benchmark for row in last.rows} == set(command_line.BENCHMARKS)
    assert all(one.version for row in last.rows for one in row.beside if one.name in ("con-duct", "sacred"))


def test_contenders_take_turns_and_the_first_round_only_warms_up(tmp_path: Path) -> None:
    turns: list[str] = []
    contenders = {
        "a": Contender(work=lambda: turns.append("a"), prepare=lambda: turns.append("before a")),
        "b": Contender(work=[sys.executable, "-c", "pass"], prepare=lambda: turns.append("b"), cwd=tmp_path),
    }
    found = interleaved.measure_turns(contenders, rounds=2)
    assert turns == ["before a", "a", "b"] * 3
    assert {name: len(costs) for name, costs in found.items()} == {"a": 2, "b": 2}


def test_peak_memory_is_that_of_the_command_not_of_the_one_who_asks() -> None:
    held = bytearray(b"x") * (300 * 2**20)
    cost = interleaved.measure_costs({"small": Contender(work=["true"])}, rounds=1)["small"]
    assert 0 < cost.megabytes < 100 < len(held)
    large = [sys.executable, "-c", "held = bytearray(b'x') * (150 * 2**20)"]
    assert interleaved.measure_costs({"large": Contender(work=large)}, rounds=1)["large"].megabytes > 150


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="it ended with 4"):
        interleaved.measure_costs({"it": Contender(work=[sys.executable, "-c", "raise SystemExit(4)"])}, rounds=1)
    with pytest.raises(RuntimeError, match="it cannot be started"):
        interleaved.measure_costs({"it": Contender(work=["no-such-command-anywhere"])}, rounds=1)
    interleaved.measure_costs({"it": Contender(work=["false"], answers=(1,))}, rounds=1)
