"""What recording a run costs: wall time over the bare command, in a small, a large and a crowded repository, and throughput.

    python -m benchmarks.recorder_cost [--quick]

The limits: 60 ms over the bare command in a repository of 50 files, 3.75 starts of a bare Python, and 0.3 of what con-duct costs; with
50,000 tracked files, 1.3 times what the command and one `git status` take. Beside them stand con-duct and sacred (see peers.py for what
they keep and what not), each over the same bare command; throughput, of a command that writes as fast as it can, stands beside `tee`
and con-duct.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.fixtures import make_recorded_repository, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

BARE = [sys.executable, "train.py"]
SACRED = """
from sacred import Experiment, SETTINGS
from sacred.observers import FileStorageObserver
SETTINGS.CAPTURE_MODE = "fd"
experiment = Experiment("bench", save_git_info=True)
experiment.observers.append(FileStorageObserver("sacred-runs"))
@experiment.main
def main():
    pass
experiment.run()
"""


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Small, large, crowded, fast."""
    large, size, rounds = (500, 1 << 24, 2) if quick else (50_000, 1 << 30, 20)
    with scratch_home() as folder:
        root = folder / "small"
        recorder = make_recorded_repository(root, 50)
        return [
            *small(root, recorder, peers, rounds),
            idle(folder, 2 * rounds),
            *(crowded(folder, large, untracked, rounds) for untracked in (False, True)),
            throughput(root, recorder, peers, size),
        ]


def recorded(recorder: Path, *command: str) -> list[str]:
    """The command, recorded."""
    return [sys.executable, "-IS", str(recorder), "--", *command]


def small(root: Path, recorder: Path, peers: Peers | None, rounds: int) -> list[Row]:
    """Milliseconds over the bare command."""
    commands = {"bare": BARE, "python": [sys.executable, "-IS", "-c", "pass"], "recorder": recorded(recorder, *BARE)}
    for option in ("--name-only", "--help"):
        commands[option] = [sys.executable, "-IS", str(recorder), option, "--", *BARE]
    if peers:
        commands["con-duct"] = [str(peers.bin / "con-duct"), "run", "-q", *BARE]
        commands["sacred"] = [peers.python, "-W", "ignore", "sacred_run.py"]
    # each peer in a repository of its own: what it leaves behind, and its script, is untracked, and ours would keep it in a patch
    roots = {name: root.with_name(name) if name in ("con-duct", "sacred") else root for name in commands}
    for name in {"con-duct", "sacred"} & set(commands):
        shutil.copytree(root, roots[name])
        (roots[name] / "sacred_run.py").write_text(SACRED)
    contenders = {name: Contender(work=words, cwd=roots[name]) for name, words in commands.items()}
    # the same repository once more, whose recorder may keep no bytecode
    fresh = root.with_name("uncached")
    without = ["env", "PYTHONDONTWRITEBYTECODE=1", *recorded(make_recorded_repository(fresh, 50), *BARE)]
    contenders["uncached"] = Contender(work=without, cwd=fresh)
    # and once more, changed before every run: each is of code that is not pinned yet
    edited = root.with_name("edited")
    changing = recorded(make_recorded_repository(edited, 50), *BARE)
    contenders["edited"] = Contender(work=changing, cwd=edited, prepare=lambda: change_code(edited / "train.py"))
    found = measure_costs(contenders, rounds=rounds)
    over = {name: cost.ms - found["bare"].ms for name, cost in found.items()}
    return [
        Row(
            benchmark="recorder",
            what="over the bare command, 50 files",
            ours=over["recorder"],
            unit="ms",
            limit=60,
            beside=tuple(
                Reference(name=name, version=peers.versions[name], value=over[name]) for name in ("con-duct", "sacred")
            )
            if peers
            else (),
        ),
        Row(
            benchmark="recorder",
            what="the same in starts of a bare Python (30 ms where that takes 8)",
            ours=over["recorder"] / found["python"].ms,
            unit="x",
            limit=3.75,
        ),
        *(
            Row(
                benchmark="recorder",
                what=f"the same as a part of what {peer} costs",
                ours=over["recorder"] / over[peer],
                unit="x",
                limit=0.3 if peer == "con-duct" else None,
            )
            for peer in ("con-duct", "sacred")
            if peers
        ),
        Row(
            benchmark="recorder",
            what="a recorded run, its code compiled before",
            ours=found["recorder"].ms,
            unit="ms",
            beside=(
                Reference(name="compiled anew", value=found["uncached"].ms),
                Reference(name="of code that never ran before", value=found["edited"].ms),
                *(Reference(name=f"`{option}`", value=found[option].ms) for option in ("--name-only", "--help")),
                Reference(name="a bare Python", value=found["python"].ms),
            ),
        ),
        Row(
            benchmark="recorder",
            what="the same, command included",
            ours=found["recorder"].ms,
            unit="ms",
            beside=(Reference(name="bare", value=found["bare"].ms),),
        ),
    ]


def change_code(script: Path) -> None:
    """Make a script another one that does the same."""
    script.write_text(script.read_text() + "# changed\n")


def idle(folder: Path, rounds: int) -> Row:
    """Processor time of a recorded `true`, and of the same where records have no second home, and where each run's code is to be pinned."""
    roots = {name: folder / f"idle-{name}" for name in ("both", "one", "pinned")}
    commands = {name: recorded(make_recorded_repository(root, 50), "true") for name, root in roots.items()}
    in_the_way = roots["one"] / ".git" / "scaffold" / "records"
    in_the_way.parent.mkdir()
    in_the_way.touch()
    contenders = {"true": Contender(work=["true"])}
    contenders |= {name: Contender(work=words, cwd=roots[name]) for name, words in commands.items()}
    changing = roots["pinned"] / "train.py"
    contenders["pinned"] = replace(contenders["pinned"], prepare=lambda: change_code(changing))
    found = measure_costs(contenders, rounds=rounds)
    over = {name: (cost.used - found["true"].used) * 1000 for name, cost in found.items()}
    return Row(
        benchmark="recorder",
        what="processor time of a recorded `true`",
        ours=over["both"],
        unit="ms",
        beside=(
            Reference(name="without a second home", value=over["one"]),
            Reference(name="of code that is pinned then", value=over["pinned"]),
        ),
    )


def crowded(folder: Path, files: int, untracked: bool, rounds: int) -> Row:
    """The ratio to the command and one `git status`."""
    kind = "untracked" if untracked else "tracked"
    root = folder / kind
    recorder = make_recorded_repository(root, files, untracked=untracked)
    commands = {"bare": BARE, "status": ["git", "status", "--porcelain"], "recorder": recorded(recorder, *BARE)}
    found = measure_costs({name: Contender(work=words, cwd=root) for name, words in commands.items()}, rounds=rounds)
    return Row(
        benchmark="recorder",
        what=f"{files:,} {kind} files over `git status` and the command",
        ours=found["recorder"].passed / (found["status"].passed + found["bare"].passed),
        unit="x",
        limit=None if untracked else 1.3,
    )


def throughput(root: Path, recorder: Path, peers: Peers | None, size: int) -> Row:
    """Megabytes a second."""
    source = ["head", "-c", str(size), "/dev/zero"]
    ways = {
        "recorder": recorded(recorder, *source),
        "tee": ["sh", "-c", f"{shlex.join(source)} | tee {shlex.quote(str(root / 'copy'))}"],
    }
    if peers:
        ways["con-duct"] = [str(peers.bin / "con-duct"), "run", "-q", *source]
    contenders = {
        name: Contender(work=words, cwd=root, prepare=emptied(root, ("copy", "exp/logs/*", ".duct/logs/*")))
        for name, words in ways.items()
    }
    found = measure_costs(contenders, rounds=3)
    rates = {name: size / cost.passed / 1e6 for name, cost in found.items()}
    versions = peers.versions if peers else {}
    return Row(
        benchmark="recorder",
        what=f"throughput of {size >> 20} MiB (more is better)",
        ours=rates["recorder"],
        unit="MB/s",
        beside=tuple(
            Reference(name=name, version=versions.get(name), value=rates[name]) for name in rates if name != "recorder"
        ),
    )


def emptied(root: Path, patterns: tuple[str, ...]) -> Callable[[], None]:
    """Deletes what was written."""

    def work() -> None:
        for pattern in patterns:
            for path in root.glob(pattern):
                path.unlink()

    return work


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
