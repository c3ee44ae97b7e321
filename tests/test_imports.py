"""No command loads a library that it does not need: what each has loaded at its end, beside the standard library and click.

A start costs what it imports: Copier alone takes half a second, and an agent starts commands all day.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group
from scaffold.workspace import find_workspace
from tests.conftest import Originals, commit_all, git, write_tree

TRAIN = """\
import argparse, json, os
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--seed", type=int, default=0)
a = p.parse_args()
with open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.json", "w") as f:
    json.dump({"loss": a.lr + a.seed}, f)
"""
# installed top-level modules at the end of a command; the name of an installed file's folder or module counts, never the standard library
PROBE = """\
import atexit, json, os, sys
def installed():
    found = {m.partition(".")[0] for m, module in list(sys.modules.items())
             if f"{os.sep}site-packages{os.sep}" in (getattr(module, "__file__", None) or "")}
    print(json.dumps(sorted(found)), file=sys.stderr)
atexit.register(installed)
def before(call):
    def wrapped(*arguments):
        installed()
        call(*arguments)
    return wrapped
for name in ("execv", "execve", "execvp"):
    setattr(os, name, before(getattr(os, name)))
"""
# for each line that it reads a process that has just begun, and has loaded what all commands load: the copy of one that goes on reading
COPIES = """
from scaffold.cli.main import main
for line in sys.stdin:
    cwd, said, environment, arguments = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        sys.argv = ["scaffold", *arguments]
        break
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    os._exit(0)
main()
"""
# this package itself where it is installed, and the recorder's modules in it; setuptools and coverage put modules of their own into
# every start
UNRELATED = {"httpx", "matplotlib", "numpy", "scipy", "optuna", "tensorboard", "git"}
EVERYWHERE = {"click", "_distutils_hack", "scaffold", "_record_run", "coverage"}
# every way to copy, and what Copier brings along
COPIER = "Copier"
# of sweep files; answers are in the cache
YAML = {"yaml"}
# attr: of the markdown that older versions of rich are made with
CLIENT = {"httpx", "httpx_retries", "idna", "rich", "pygments", "attr"}
MATPLOTLIB = {
    "matplotlib",
    "mpl_toolkits",
    "numpy",
    "PIL",
    "contourpy",
    "cycler",
    "dateutil",
    "fontTools",
    "kiwisolver",
    "pyparsing",
    "six",
    "packaging",
}
# command -> (arguments that do its work in the workspace below, what it may load)
CALLS: dict[str, tuple[list[str], set[str]]] = {
    "detect": (["detect", "--json"], {"packaging"}),
    "init": (["init", "--yes"], {COPIER}),
    "add": (["add", "second"], {COPIER}),
    "update": (["update", "--check"], {"packaging"}),
    "status": (["status"], {"packaging"}),
    "remove": (["remove"], {"packaging"}),
    "brief": (["brief"], set()),
    "preflight": (["preflight"], CLIENT),
    "playbook": (["playbook", "--check"], {COPIER} | CLIENT),
    "plan abort": (["plan", "abort", "--reason", "x"], set()),
    "plan add": (["plan", "add", "1", "look", "--deliverable", "a.md", "--done-when", "it is there"], set()),
    "plan check": (["plan", "check"], set()),
    "plan convert": (["plan", "convert"], set()),
    "plan done": (["plan", "done", "P1-T1"], set()),
    "plan emit": (["plan", "emit"], set()),
    "plan fix": (["plan", "fix"], set()),
    "plan graph": (["plan", "graph"], set()),
    "plan log": (["plan", "log", "decided"], set()),
    "plan next": (["plan", "next"], set()),
    "plan resume": (["plan", "resume"], set()),
    "plan rules": (["plan", "rules"], set()),
    "plan show": (["plan", "show"], set()),
    "plan start": (["plan", "start", "P1-T1"], set()),
    "plan verify": (["plan", "verify"], set()),
    "guard": (["guard", "--command", "python train.py"], set()),
    "runs metrics": (["runs", "metrics"], set()),
    "run": (["run", "--seed", "3", "--", sys.executable, "train.py"], set()),
    "sweep new": (
        ["sweep", "new", "t", "--goal", "g", "--seeds", "1-2", "--", "python3", "train.py"],
        {"packaging"},
    ),
    "sweep list": (["sweep", "list"], YAML),
    "sweep show": (["sweep", "show", "s"], YAML),
    "sweep launch": (
        ["sweep", "launch", "s", "--wait", "--yes", "--backend", "local"],
        YAML | {"pynvml"},
    ),
    "sweep watch": (["sweep", "watch", "s"], YAML),
    "sweep status": (["sweep", "status", "s"], YAML),
    "sweep stop": (["sweep", "stop", "s"], YAML),
    "sweep capacity": (["sweep", "capacity"], {"pynvml"}),
    "sweep evolve": (["sweep", "evolve", "spec.json"], set()),
    "try": (["try", "a text"], set()),
    **{
        f"ideas {verb}": (["ideas", verb, *words], YAML | {"pynvml"} if verb == "start" else set())
        for verb, words in {
            **dict.fromkeys(("list", "best", "similar", "chart", "claim", "watch"), ()),
            **dict.fromkeys(("show", "diff", "restore", "again"), ("1",)),
            **dict.fromkeys(("keep", "drop"), ("1", "--because", "x")),
            "import": ("results.tsv",),
            "export": (),
            "start": ("--seeds", "none", "--metric", "loss", "--", "false"),
        }.items()
    },
    "runs audit": (["runs", "audit"], set()),
    "runs cite": (["runs", "cite", "1.1"], set()),
    "runs diff": (["runs", "diff", "RUN1", "RUN2"], set()),
    "runs export": (["runs", "export", "--ro-crate", "crate"], YAML),
    "runs gc": (["runs", "gc"], set()),
    "runs list": (["runs", "list"], set()),
    "runs rerun": (["runs", "rerun", "RUN1"], set()),
    "runs restore": (["runs", "restore"], set()),
    "runs show": (["runs", "show", "RUN1"], set()),
    "runs withdraw": (["runs", "withdraw", "RUN1", "--because", "x"], set()),
    "results": (["results"], set()),
    "results ablation": (["results", "ablation", "--reference", "lr=0.1"], set()),
    "results compare": (["results", "compare", "lr=0.1", "lr=0.2"], set()),
    "results sensitivity": (["results", "sensitivity", "lr"], set()),
    "report": (["report"], YAML | {"jinja2", "markupsafe"}),
    "report plots": (["report", "plots", "--out", "plots"], MATPLOTLIB),
    "server events": (["server", "events"], CLIENT),
    "server logs": (["server", "logs", "x"], CLIENT),
    "server status": (["server", "status"], CLIENT),
    "schema": (["schema", "runs list"], set()),
    "completion": (["completion", "bash"], set()),
}


Start = Callable[..., tuple[int, set[str], str]]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A function that runs one command in a process of its own: exit code, installed modules that it has loaded, stderr."""
    said = tmp_path_factory.mktemp("said") / "stderr"
    words = [sys.executable, "-c", PROBE + COPIES]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        requests, codes = process.stdin, process.stdout

        def start_copy(repo: Path, *arguments: str) -> tuple[int, set[str], str]:
            print(json.dumps([str(repo), str(said), dict(os.environ), arguments]), file=requests, flush=True)
            code = int(codes.readline())
            text = said.read_text()
            [probed, *_] = [line for line in text.splitlines() if line.startswith("[")]
            return code, set(json.loads(probed)), text

        yield start_copy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, originals: Originals, start: Start) -> Path:
    """A workspace with four finished runs and a sweep that was planned; made once, each test has a copy."""
    repo = tmp_path_factory.mktemp("made") / "repo"
    originals.put(repo, "the imports of commands", lambda place: fill(place, start), is_costly=True)
    return repo


def fill(repo: Path, start: Start) -> None:
    write_tree(repo, {"train.py": TRAIN})
    git(repo, "init", "-q", "-b", "main")
    for key, value in (("user.name", "t"), ("user.email", "t@localhost")):
        git(repo, "config", key, value)
    commit_all(repo)
    assert start(repo, "init", "--yes", "--goal", "g")[0] == 0
    for number, lr in enumerate(("0.1", "0.1", "0.2", "0.2")):
        start(repo, "run", "--experiment", "e", "--seed", str(number % 2), "--", sys.executable, "train.py", "--lr", lr)
    assert start(repo, "sweep", "new", "s", "--goal", "g", "--seeds", "1-1", "--", sys.executable, "train.py")[0] == 0


@pytest.mark.parametrize("words", [" ".join(words) for words, _ in answer_schemas.list_cli_commands(group)])
def test_a_command_loads_only_what_it_needs(made: Path, start: Start, tmp_path: Path, words: str) -> None:
    arguments, allowed = CALLS[words]
    # links do, since nothing is written in place
    repo = shutil.copytree(made, tmp_path / "repo", symlinks=True, copy_function=os.link)
    find_workspace(repo)  # as after any command: its answers are in the cache
    names = sorted(p.name for p in (repo / ".wild/experiments/outputs").glob("e-*"))
    code, loaded, said = start(repo, *(names[int(a[3:]) - 1] if a.startswith("RUN") else a for a in arguments))
    print(words, code, sorted(loaded), said[-300:])
    assert code in (0, 1, 3) and "Traceback" not in said, said
    if COPIER not in allowed:
        assert loaded <= allowed | EVERYWHERE
    else:
        assert not loaded & (UNRELATED - allowed)


def test_help_loads_nothing(made: Path, start: Start) -> None:
    for arguments in (["--version"], ["--help"], ["plan", "--help"], ["sweep", "launch", "--help"]):
        assert start(made, *arguments)[1] <= EVERYWHERE
