"""Loops for keeping code changes, each with its own programs, on one stand-in and the same ideas. python -m benchmarks.idea_peers FOLDER

FOLDER holds what is not ours and stays out of the repository: clones of `autoresearch-mlx` (whose `rigor.py` is run) and
`autoresearch-ai-plugin` (its scripts), and `pi.mjs`, the extension of pi-autoresearch as one file (esbuild; the agent's user interface left
out). All three are made for an agent, which edits and decides: here a script does both, as their instructions say. The stand-in is
that of `tests/ideas/acted_out.py`: real processes, noise that comes from no seed, 40 ideas of which the truth is known.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine
from scaffold.ideas.start.baseline import BASELINE_RUNS
from tests.ideas import acted_out

LAST = Path(__file__).with_name("idea_peers.json")
PI_LOOP = Path(__file__).with_name("pi_autoresearch.mjs")
LOOPS = 5
# `uv run` without uv: the stand-in needs no environment of its own
UV = '#!/usr/bin/env bash\nshift\nexec python3 "$@"\n'
MEASURE = "set -euo pipefail\npython3 train.py | sed -n 's/^val_bpb: */METRIC val_bpb=/p'\n"


@dataclass(frozen=True, kw_only=True)
class PeerLoop:
    """What a loop kept (indices of ideas), how many runs it took, and how many commands its agent gave for all ideas."""

    kept: tuple[int, ...]
    runs: int
    commands: int


# (the folder with the programs, the repository, how many ideas) -> the loop
Play = Callable[[Path, Path, int], PeerLoop]


class Shell:
    """Commands in a repository, counted as an agent gives them."""

    def __init__(self, root: Path, path: Path | None = None) -> None:
        self.root, self.commands = root, 0
        self.environment = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}

    def __call__(self, command: str) -> str:
        """Its output. Raises RuntimeError where it fails."""
        self.commands += 1
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.root, env=self.environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout


def play_rigor(folder: Path, root: Path, ideas: int) -> PeerLoop:
    """autoresearch-mlx with its rigor.py: commit, let it score, reset what it discards."""
    shutil.copy(folder / "autoresearch-mlx" / "rigor.py", root)
    (root / ".gitignore").write_text("rigor_ledger.jsonl\nuv\n")
    (root / "uv").write_text(UV)
    (root / "uv").chmod(0o755)
    shell = Shell(root, root)
    shell("git add -A && git commit -qm setup && uv run rigor.py run baseline")
    shell.commands = 0
    kept = []
    for index in range(ideas):
        acted_out.switch_on(root, index)
        shell(f"git add train.py && git commit -qm 'experiment: switch {index} on'")
        shell(f"uv run rigor.py run 'switch {index} on'")
        if _ledger(root)[-1]["status"] == "keep":
            kept.append(index)
        else:
            shell("git reset -q --hard HEAD~1")
    return PeerLoop(kept=tuple(kept), runs=sum(len(row["samples"]) for row in _ledger(root)), commands=shell.commands)


def _ledger(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "rigor_ledger.jsonl").read_text().splitlines()]


def play_plugin(folder: Path, root: Path, ideas: int) -> PeerLoop:
    """autoresearch-ai-plugin with its scripts: commit, run, parse, log; improved is kept, all else reverted."""
    scripts = folder / "autoresearch-ai-plugin" / "skills" / "autoresearch" / "scripts"
    (root / ".gitignore").write_text("autoresearch.jsonl\nrun.log\n")
    (root / "autoresearch.sh").write_text(MEASURE)
    shell = Shell(root)
    shell("git add -A && git commit -qm setup")

    def measure() -> float:
        shell("bash autoresearch.sh > run.log 2>&1")
        return float(shell(f"bash '{scripts}/parse-metrics.sh' val_bpb < run.log"))

    def log(number: int, metric: float, status: str) -> None:
        shell(
            f"bash '{scripts}/log-experiment.sh' --run {number} --commit $(git rev-parse --short HEAD) --metric {metric} "
            f"--status {status} --description 'switch {number} on'"
        )

    best = measure()
    log(0, best, "keep")
    shell.commands = 0
    kept = []
    for index in range(ideas):
        acted_out.switch_on(root, index)
        shell(f"git add train.py && git commit -qm 'experiment: switch {index} on'")
        metric = measure()
        log(index + 1, metric, "keep" if metric < best else "discard")
        if metric < best:
            best = metric
            kept.append(index)
        else:
            shell("git revert HEAD --no-edit")
    return PeerLoop(kept=tuple(kept), runs=ideas + 1, commands=shell.commands)


def play_pi(rule: str) -> Play:
    """pi-autoresearch with its own tools."""

    def play(folder: Path, root: Path, ideas: int) -> PeerLoop:
        command = ["node", str(PI_LOOP), str(folder / "pi.mjs"), str(root), str(ideas), rule]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        return PeerLoop(kept=tuple(answer["kept"]), runs=answer["runs"], commands=answer["commands"])

    return play


def play_ours(folder: Path, root: Path, ideas: int) -> PeerLoop:
    """`scaffold try`."""
    outcome = acted_out.run_loop(root, [0.0] * ideas)
    runs = outcome.runs + BASELINE_RUNS
    return PeerLoop(kept=tuple(number - 1 for number in outcome.of("kept")), runs=runs, commands=ideas)


PEERS: Mapping[str, Play] = {
    "scaffold try": play_ours,
    "rigor.py of autoresearch-mlx": play_rigor,
    "pi-autoresearch": play_pi("told"),
    "pi-autoresearch, run again below confidence 1": play_pi("careful"),
    "autoresearch-ai-plugin": play_plugin,
}


def measure_loop(folder: Path, name: str, loop: int) -> dict[str, Any]:
    """One loop of a peer, as a row: the true effects of what it kept (standard deviations of a run), runs, commands."""
    effects = acted_out.shuffled_effects(loop)
    with tempfile.TemporaryDirectory(prefix="idea-peers-") as scratch:
        root = Path(scratch).resolve() / "repository"
        if name == "scaffold try":
            acted_out.make_repository(root, effects)
        else:
            acted_out.write_stand_in(root, effects)
        result = PEERS[name](folder.resolve(), root, len(effects))
    kept = sorted((effects[index] for index in result.kept), reverse=True)
    return {"loop": loop, "kept": kept, "runs": result.runs, "commands": result.commands}


def keep_row(name: str, row: Mapping[str, Any]) -> None:
    """Add a loop of a peer to the kept table; one that is there already is replaced."""
    content: dict[str, Any] = {"version": 1, "peers": {}}
    if LAST.exists():
        content = json.loads(LAST.read_text(encoding="utf-8"))
    loops = {old["loop"]: old for old in content["peers"].get(name, [])} | {row["loop"]: dict(row)}
    content["peers"][name] = [loops[loop] for loop in sorted(loops)]
    content["machine"] = asdict(machine.describe_machine())
    LAST.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def shown_row(name: str, loops: Sequence[Mapping[str, Any]]) -> list[str]:
    """A peer's line of the table in docs/ideas.md. A row may be of several `loops` at once, where only their sum was written down."""
    kept = [effect for row in loops for effect in row["kept"]]
    count = sum(row.get("loops", 1) for row in loops)
    false = sum(effect <= 0 for effect in kept)
    ideas = count * len(acted_out.shuffled_effects(0))
    possible = sum(effect for effect in acted_out.shuffled_effects(0) if effect > 0)
    runs, commands = (sum(row[key] for row in loops) / ideas for key in ("runs", "commands"))
    good = [sum(effect == size for effect in kept) for size in (3.0, 1.0)]
    return [
        name,
        f"{false} of {len(kept)}",
        f"{good[0]} of {2 * count}",
        f"{good[1]} of {count}",
        f"{sum(kept) / count:+.1f} of {possible:.0f}",
        f"{runs:.1f}",
        f"{commands:.1f}",
    ]


def main() -> None:
    """Measure and print; with --keep the rows become those of docs/ideas.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the others' programs are")
    parser.add_argument("--only", choices=list(PEERS), action="append", help="these alone")
    parser.add_argument("--loop", type=int, action="append", help="these loops alone (0 to 4)")
    parser.add_argument("--keep", action="store_true", help=f"write {LAST.name}, of which docs/ideas.md is made")
    arguments = parser.parse_args()
    for name in arguments.only or PEERS:
        rows = []
        for loop in arguments.loop or range(LOOPS):
            rows.append(measure_loop(arguments.folder, name, loop))
            if arguments.keep:  # each at once: a loop takes minutes
                keep_row(name, rows[-1])
        print(*shown_row(name, rows), sep=" | ", file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
