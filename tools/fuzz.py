"""Feed texts to a reader that nobody would write, and see that it answers in time: python -m tools.fuzz yaml --minutes 10

Readers: yaml, sweep, toml, json, manifest, plan, sbatch (or `all`, one after the other). What a reader may do is read a text, or refuse it
with its own error; anything else, and whatever takes longer than 2 s of processor time, is printed as the smallest text that
hypothesis finds for it, and the exit code is 1. Not part of the gate: it takes minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scaffold.facts import paths

ROOT = Path(__file__).parents[1]
MOST_SECONDS = 2.0
LONGEST_TEXT = 500_000
LONGEST_PLAN = 100_000
LARGEST_SCRIPT = paths.LIMITS["shell"][1]
SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-"))


class Reader(NamedTuple):
    """What reads a text, the errors by which it may refuse one, texts to begin with, and what is put into them."""

    read: Callable[[str], object]
    refusals: tuple[type[Exception], ...]
    texts: Sequence[str]
    pieces: Sequence[str]


def main() -> int:
    """Fuzz the readers that are named; 1 where one is at fault."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("reader", choices=[*READERS, "all"])
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    faults = 0
    for name in READERS if chosen.reader == "all" else [chosen.reader]:
        faults += fuzz(name, READERS[name](), chosen.minutes * 60, chosen.seed)
    return 1 if faults else 0


def fuzz(name: str, reader: Reader, seconds: float, first_seed: int) -> int:
    """Rounds of a hundred texts until the time is over, or one is at fault; how many faults there were."""
    began, rounds, slowest = time.monotonic(), 0, 0.0

    def check(text: str) -> None:
        nonlocal slowest
        (SCRATCH / "last.txt").write_text(text, encoding="utf-8", errors="surrogatepass")  # for who has to end this
        start = time.thread_time()
        with contextlib.suppress(*reader.refusals):
            reader.read(text)
        took = time.thread_time() - start
        slowest = max(slowest, took)
        assert took < MOST_SECONDS, f"{len(text)} letters took {took:.1f} s"

    try:
        while time.monotonic() - began < seconds:
            limits = settings(
                max_examples=100,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )
            seed(first_seed + rounds)(limits(given(mangled_texts(reader))(check)))()
            rounds += 1
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {str(error)[:400]}")
        for note in getattr(error, "__notes__", ()):
            print(note[:2000])
        return 1
    minutes = (time.monotonic() - began) / 60
    print(f"{name}: {rounds * 100} texts in {minutes:.1f} minutes, the slowest took {slowest:.2f} s of processor time")
    return 0


def mangled_texts(reader: Reader) -> st.SearchStrategy[str]:
    """Texts of the reader's kind with parts taken out, doubled, put in, and repeated many times."""
    piece = st.one_of(st.sampled_from(list(reader.pieces)), st.text(max_size=8))
    many = st.sampled_from((1, 1, 1, 2, 9, 120, 5_000, 60_000))
    repeated = st.builds(lambda text, times: text * min(times, 1 + 400_000 // max(1, len(text))), piece, many)
    place = st.floats(0, 1, exclude_max=True)
    change = st.tuples(st.sampled_from(("insert", "delete", "double", "line")), place, place, repeated)
    start = st.one_of(
        st.sampled_from(list(reader.texts)), st.lists(piece, max_size=20).map("".join), st.text(max_size=60)
    )
    return st.builds(mangle, start, st.lists(change, max_size=6))


def mangle(text: str, changes: Sequence[tuple[str, float, float, str]]) -> str:
    """A text after changes, each `(kind, from, to, piece)`."""
    for kind, first, second, piece in changes:
        start, end = sorted((int(first * len(text)), int(second * len(text))))
        if kind == "insert":
            text = text[:start] + piece + text[start:]
        elif kind == "delete":
            text = text[:start] + text[end:]
        elif kind == "double":
            text = text[:end] + text[start:end] + text[end:]
        else:
            text = text[:start] + "\n" + piece + "\n" + text[end:]
    return text[:LONGEST_TEXT]


def _yaml() -> Reader:
    import yaml

    from scaffold import structured_text

    return Reader(
        lambda text: str(structured_text.parse_yaml(text)), (yaml.YAMLError,), [_answers(), SWEEP], YAML_PIECES
    )


def _sweep() -> Reader:
    from scaffold.errors import ScaffoldError
    from scaffold.sweeps.spec import parsing, text_yaml

    def read(text: str) -> object:
        file = SCRATCH / "s.yml"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        return str(parsing.parse_sweep(text_yaml.read_yaml(file, noun="sweep"), "s"))

    return Reader(
        read,
        (ScaffoldError,),
        [SWEEP, _answers()],
        [*YAML_PIECES, "configurations:", "grid:", "seeds: 1-9", "draws: 9"],
    )


def _toml() -> Reader:
    from scaffold import structured_text

    texts = [(ROOT / "pyproject.toml").read_text(encoding="utf-8")]
    return Reader(lambda text: str(structured_text.parse_toml(text)), (ValueError,), texts, TOML_PIECES)


def _json() -> Reader:
    from scaffold import structured_text

    return Reader(
        lambda text: str(structured_text.parse_json(text)), (ValueError,), [json.dumps(_manifest())], JSON_PIECES
    )


def _manifest_reader() -> Reader:
    from scaffold.runs import manifests

    def read(text: str) -> object:
        file = SCRATCH / "m.json"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        summary = str(manifests.read_run_from_manifest(file, "exp/metadata/m.json"))
        return summary + str(manifests.read_valid_manifest(file))

    return Reader(
        read, (ValueError,), [json.dumps(_manifest(), indent=1)], [*JSON_PIECES, *map(json.dumps, _manifest())]
    )


def _plan() -> Reader:
    from scaffold.errors import ScaffoldError
    from scaffold.plan.document.fix import fix_plan
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.rules.check import check_plan
    from scaffold.plan.tasks import foreign_task_lists, progress

    def read(text: str) -> object:
        text = text[:LONGEST_PLAN]  # read five times over
        parsed = parse_plan(text)
        foreign_task_lists.convert_foreign_plan(text)
        fix_plan(text)
        return str(check_plan(text)) + progress.progress_text(parsed, 20, server=False)

    texts = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "tests/plans/good").glob("*.md"))[:6]]
    return Reader(read, (ScaffoldError,), texts, PLAN_PIECES)


def _sbatch() -> Reader:
    from scaffold.conventions.slurm import slurm_conventions
    from scaffold.facts.model import facts_from_texts

    def read(text: str) -> object:
        return str(slurm_conventions(facts_from_texts({"train.sbatch": text[:LARGEST_SCRIPT]})))

    return Reader(read, (), [SBATCH], SBATCH_PIECES)


def _answers() -> str:
    return (ROOT / "copier.yml").read_text(encoding="utf-8")


def _manifest() -> dict[str, object]:
    from tests.results.conftest import MANIFEST

    filled = json.loads(json.dumps(MANIFEST))
    filled["run"].update(name="a-s1-00000001", experiment="a")
    filled["time"]["started_at"] = "2026-01-01T00:00:00.000Z"
    return {**filled, "metrics": {"loss": 0.5, "n": 1}, "params": {"lr": 0.1, "x": None, "y": "a"}}


SWEEP = """version: 1
name: s
goal: which lr
experiment: train
command: [python, train.py]
style: flags
code: {state: null, commit: null, patch: null}
grid:
  lr: [0.1, 0.01]
seeds: [1, 2]
configurations:
- {lr: 0.1}
- {lr: 0.01}
"""
SBATCH = """#!/bin/bash
#SBATCH --job-name=a --partition=gpu
#SBATCH -A account -q high --gres=gpu:2
#SBATCH --time=1-02:03:04
module load cuda/12 python
source venv/bin/activate
for i in $(seq 3); do srun python train.py --seed $i; done
sbatch -p cpu other.sh
"""
# fmt: off
YAML_PIECES = (
    "&a ", "*a", "<<: *a", "<<: [*a, *a]", "? ", ": ", "- ", "[", "]", "{", "}", "{a: ", "!!int ", "!!float ",
    "!!bool ", "!!set {", "!!omap [", "!!python/object:os.system ", "|\n ", ">-\n ", "'", "\"", "%YAML 1.1\n",
    "---\n", "...\n", "1:", "0x", "0b1_", "1e", ".inf", ".nan", "~", "#",
    "a0: &a0 [x]\na1: &a1 [*a0, *a0]\na2: &a2 [*a1, *a1]\n", "\t", "\r", "\u2028", "\ufeff", "\u0085",
    "2024-01-01T00:00:00", "=", "\\x", "\\U0010ffff",
)
TOML_PIECES = (
    "a.", "\"a\".", "[", "]", "[[", "]]", "{", "}", "a = ", "= ", "\"\"\"", "'''", "0x", "0b", "1_", "1e", "inf",
    "nan", "9999999999999999999999999999999999999999", "\\u", "\\U0011ffff", "2024-01-01", "T00:00:00.9", "+99:99",
    "#", "\n", "\t", "\r", "\u0000", ",", "[a]\n[a.b]\n[[a.c]]\n", "a.b.c = 1\n",
)
JSON_PIECES = (
    "[", "]", "{", "}", "{\"a\":", "\"", "\\u", "\\ud800", "1e", "9", "-", ".", "NaN", "Infinity", "null", "true",
    ",", ":", "\u0000", "\ufeff",
    "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
    "1e400", "-0", "\"\"", "{}", "[]", "\"schema_version\": 1,", "\"2026-01-01\"", "0.1",
)
PLAN_PIECES = (
    "- [ ] [P1-T1] ", "- [x] ", "- [/] ", "* [ ]", "1. [ ] ", "## Phase 1 - A\n", "# ", "###### ", "| ", "|---|", "`",
    "```\n", "~~~\n", "<!-- ", "-->", "depends: P1-T1", "deliverable: a/*", "done-when: ", "5 runs finished in a",
    "  - evidence: ", "  ", "\t", "> ", "[a](b)", "**", "_", "\\", "&#0;", "[P9-T9]", "P1-T1, ", "\r", "\n\n",
    "\u2028", "\u0085", "\ufeff", "\u202e", "continue-if: ", "(", ")", "<", ">", "- ", "T001 [P] ",
)
SBATCH_PIECES = (
    "#SBATCH ", "--partition=", "-p ", "--gres=gpu:", "--time=", "\\\n", "'", "\"", "$(", ")", "${", "}", "`",
    "<<EOF\n", "EOF\n", "|", "&&", ";", "((", "))", "[[", "]]", "case x in\n", "esac\n", "for i in ", "do\n",
    "done\n", "if ", "then\n", "fi\n", "module load ", "srun ", "sbatch ", "#", "\\", "$", "{a,b}", "[a-", "*", "~",
    "\t", "\r", "\u0000", "function f {", "python -m ", "=", "a=", "export ", "<(", "$'",
)
# fmt: on
READERS: dict[str, Callable[[], Reader]] = {
    "yaml": _yaml,
    "sweep": _sweep,
    "toml": _toml,
    "json": _json,
    "manifest": _manifest_reader,
    "plan": _plan,
    "sbatch": _sbatch,
}

if __name__ == "__main__":
    sys.exit(main())
