"""Today's recorder gives the names, manifests, logs and patches that the one of release 0.5.0 gave, for a matrix of commands.

That is scheme 1 of names. `RENAMED` lists what scheme 2 changes on purpose; that scripts on standard input, JSON, ignored files and
secrets in configs count otherwise has tests of its own (test_names.py, test_code_state.py).
"""

from __future__ import annotations

import json
import marshal
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scaffold.lifecycle.template import releases
from scaffold.runs import recorder
from tests.conftest import git
from tests.runs.conftest import PYTHON, MakeWorkspace, Workspace, check, copy_recorder, keep_bytecode

FORMER = "v0.5.0"
CHANGED = frozenset({"help"})  # there are more options
# what scheme 2 changes on purpose: of two command lines, whether each scheme gives them one name
RENAMED = {
    "another secret is no other run": ("t.py --api-key one1", "t.py --api-key two2", True, True),
    "stars that were typed are no secret": ("t.py --note ***", "t.py --note {TOKEN}", True, False),
    "an option with a secret is not one with stars": ("t.py u=***", "t.py u={TOKEN}", True, False),
    "one configuration": ("t.py --lr 1e-3", "t.py --lr 0.001", True, True),
    "two configurations": ("t.py --token-mixer pool", "t.py --token-mixer attn", False, False),
}
VOLATILE = {
    ("run", "uuid"),
    ("time", "started_at"),
    ("time", "ended_at"),
    ("time", "duration_s"),
    ("resources", "max_rss_bytes"),
    ("resources", "user_s"),
    ("resources", "system_s"),
    # asked while the command runs, which may be too short for it
    ("environment", "python"),
    ("environment", "executable"),
    ("environment", "packages"),
    ("host", "gpus"),
}
TOKEN = "hf_abcdefghij0123456789"
IN_PYTHON = """
import sys
sys.path.insert(0, "exp/scripts")
from record_run import record
with record("inside", seed=3, params={{"model": {{"lr": 1e-3}}, "api_key": "swordfish"}}) as run:
    print("hello")
    run.log(step=1, loss=0.5)
    {more}
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command line: the recorder's options and the command, the state of the repository, variables, what is typed."""

    words: tuple[str, ...]
    state: str = "clean"
    variables: Mapping[str, str] = field(default_factory=dict)
    typed: str | None = None
    below: str = "."


def cases() -> dict[str, Case]:
    """All cases by their label."""
    plain = {
        "true": "-- true",
        "false": "-- false",
        "seeded": "--seed 7 -- python3 train.py",
        "experiment": "--experiment base.line -- python3 train.py",
        "odd experiment": "--experiment a/b:c -- true",
        "task and sweep": "--task P2-T1 --sweep lr -- true",
        "parameters": "--param lr=1e-3 depth=2 flag=True text=a_b -- true",
        "parameters twice": "--param lr=0.1 --param lr=0.2 -- true",
        "own parameters": "-- python3 train.py --lr 1e-3 --depth=2 --flag --no-bias wd=.1 +model.size=big",
        "own seed": "-- python3 train.py --seed 4",
        "nested seed": "-- python3 train.py trainer.seed=4",
        "repeated": "-- python3 train.py --layer 64 --layer 32",
        "module": "-- python3 -m train --lr 0.1",
        "code": "-- python3 -c pass --lr 0.1",
        "shell script": "-- bash job.sh a b",
        "absolute program": "-- /bin/echo /usr/share x=1",
        "config option": "--config conf.yaml -- python3 train.py",
        "config named": "-- python3 train.py --config conf.yaml",
        "config of two": "--config conf.yaml other.json -- true",
        "config in the workspace": "-- python3 train.py --config exp/extra.yaml",
        "secret option": "-- echo --token swordfish",
        "secret assignment": "-- echo api_key=swordfish password=hunter2 max_tokens=512",
        "secret shape": f"-- echo {TOKEN}",
        "secret url": "-- echo https://user:pass@host/path?x=1",
        "secret header": "-- echo Authorization:Bearer_abcdefgh",
        "secret parameter": "--param token=swordfish lr=1 -- true",
        "secret config": "--config secret.yaml -- true",
        "revision": "-- echo --commit 0123456789abcdef0123456789abcdef01234567",
        "hex": "-- echo 0123456789abcdef0123456789abcdef01234567",
        "no such command": "-- no-such-command",
        "not executable": "-- ./conf.yaml",
        "variable before": "-- X=1 true",
        "placeholders": "-- echo {RUN_NAME} {RUN_OUTPUT_DIR} {RUN_SEED}",
        "timeout": "--timeout 0.2 -- sleep 60",
        "tty": "--tty -- echo hi",
        "tty and seed": "--tty --seed 1 -- python3 train.py",
        "quiet": "--quiet -- echo hi",
        "no patch": "--no-patch -- true",
        "long": f"-- echo {' '.join(f'--parameter-number-{i}=value{i}' for i in range(12))}",
        "unicode": "-- echo größe=ä",
        "help": "--help",
        "version": "--version",
        "no command": "--seed 1",
        "bad seed": "--seed x -- true",
        "bad option": "--nope -- true",
        "name only": "--name-only --seed 2 -- python3 train.py --lr 0.1",
    }
    found = {label: Case(words=tuple(text.split())) for label, text in plain.items()}
    found["a signal"] = Case(words=("--", "sh", "-c", "kill -9 $$"))
    found["metrics"] = Case(
        words=("--", "sh", "-c", 'echo \'{"loss": 0.5, "a": {"b": 1}}\' > $RUN_OUTPUT_DIR/metrics.json')
    )
    found["rows"] = Case(
        words=("--", "sh", "-c", 'printf \'{"a": 1}\\n{"a": NaN}\\n{"a"\' > $RUN_OUTPUT_DIR/metrics.jsonl')
    )
    found["both streams"] = Case(words=("--", "sh", "-c", "echo out; echo err >&2; exit 3"))
    found["typed"] = Case(words=("--", "cat"), typed="a\nb\n")
    found["below"] = Case(words=("--", "sh", "-c", "true"), below="src")
    found["variables"] = Case(
        words=("--", "true"),
        variables={"SLURM_JOB_ID": "5", "RUN_SERVER_URL": "http://h:1", "RUN_TASK": "P1-T1", "WANDB_RUN_ID": "x"},
    )
    found["a secret of the environment"] = Case(
        words=("--", "echo", "--note", "swordfish99swordfish"), variables={"MY_SECRET": "swordfish99swordfish"}
    )
    for label in ("true", "own parameters", "config named", "no patch", "name only", "tty"):
        found[f"dirty: {label}"] = Case(words=found[label].words, state="dirty")
        found[f"no git: {label}"] = Case(words=found[label].words, state="no git")
    found["dirty: below"] = Case(words=("--", "sh", "-c", "true"), state="dirty", below="src")
    for label, more in {"ends": "pass", "raises": "raise ValueError('oh')", "exits": "sys.exit(3)"}.items():
        found[f"inside: {label}"] = Case(words=(PYTHON, "-c", IN_PYTHON.format(more=more)))
    return found


CASES = cases()


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorder of the release, one file; Python would compile it at each start, and here it is compiled once."""
    place = tmp_path_factory.mktemp("former")
    git(place, "init", "-q", "--bare", ".")
    git(place, "fetch", "-q", str(releases.BUNDLE), f"refs/tags/{FORMER}")
    inside = "template/exp/{{ experiment_root }}/{{ role_dirs.scripts }}/record_run.py"
    code = place / "record_run.code"
    code.write_bytes(marshal.dumps(compile(git(place, "show", f"FETCH_HEAD:{inside}"), "record_run.py", "exec")))
    entry = place / "record_run.py"
    entry.write_text(f"import marshal\nwith open({str(code)!r}, 'rb') as file:\n    exec(marshal.loads(file.read()))\n")
    return entry


@pytest.fixture
def prepared(make_workspace: MakeWorkspace) -> Callable[[str], Workspace]:
    """A function that makes a repository in one of the states."""

    def prepare(state: str) -> Workspace:
        made = make_workspace(
            {
                "train.py": "print('hello')\n",
                "src/model.py": "LR = 1\nTOKEN = 'x'\n",
                "job.sh": "echo job $1\n",
                "conf.yaml": "lr: 0.1\n",
                "other.json": "{}\n",
                "secret.yaml": "token: swordfish\nlr: 1\n",
                "data.bin": bytes(range(256)),
                "link": "",
            }
        )
        (made.exp / "extra.yaml").write_text("depth: 3\n")
        git(made.root, "remote", "add", "origin", "https://me:secret@example.invalid/x.git")
        if state == "dirty":
            (made.root / "src" / "model.py").write_text("LR = 2\nTOKEN = 'swordfish'\n")
            (made.root / "conf.yaml").write_text("lr: 0.2\n")
            (made.root / "data.bin").write_bytes(bytes(range(255, -1, -1)))
            (made.root / "other.json").unlink()
            (made.root / "link").unlink()
            (made.root / "link").symlink_to("train.py")
            (made.root / "train.py").chmod(0o755)
            (made.root / "new").mkdir()
            (made.root / "new" / 'odd "name".py').write_text("password = 'hunter2hunter2'\n")
            (made.root / "new" / "no newline.txt").write_text("a\nb")
            (made.root / ".env").write_text("KEY=swordfish\n")
            git(made.root, "mv", "job.sh", "jobs.sh")
        if state == "no git":
            shutil.rmtree(made.root / ".git")
        return made

    return prepare


def outcome(workspace: Workspace, case: Case) -> dict[str, Any]:
    """Run a case, and take away what it left: its exit code, output and files."""
    words = list(case.words) if case.words[0] == PYTHON else workspace.command(*case.words)
    done = subprocess.run(
        words,
        cwd=workspace.root / case.below,
        env={**os.environ, **case.variables},
        input=case.typed or "",
        capture_output=True,
        text=True,
    )
    files: dict[str, Any] = {}
    for role in ("metadata", "logs", "outputs"):
        folder = workspace.exp / role
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(workspace.exp).as_posix()
            if path.is_file() and not name.startswith("metadata/environments/"):
                files[name] = stable(path) if path.parent == workspace.exp / "metadata" else path.read_bytes()
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(
        workspace.root / "__pycache__", ignore_errors=True
    )  # the command's own: an untracked file of the next run
    # the former recorder did not know whether a seed is effective
    said = "".join(line for line in done.stderr.splitlines(keepends=True) if "is recorded as a label" not in line)
    return {"code": done.returncode, "stdout": done.stdout, "stderr": said, "files": files}


def stable(path: Path) -> dict[str, Any]:
    """A manifest without what differs from one run to the next, whose form is checked instead."""
    manifest = json.loads(path.read_text(encoding="utf-8"))
    check(manifest)
    for part, name in VOLATILE:
        del manifest[part][name]
    # what the former recorder did not keep
    for name in ("pin", "submodules"):
        (manifest["git"] or {}).pop(name, None)
    manifest["command"].pop("files", None)
    for name in ("purpose", "seed_source"):
        manifest.pop(name, None)
    manifest["shape"] = [*manifest, *(key for part in manifest.values() if isinstance(part, dict) for key in part)]
    return dict(manifest)


# every third in the gate, all of them before a release
UNCHANGED = [
    pytest.param(label, marks=() if number % 3 == 0 else pytest.mark.long)
    for number, label in enumerate(sorted(set(CASES) - CHANGED))
]


@pytest.mark.parametrize("label", UNCHANGED)
def test_it_is_as_it_was(prepared: Callable[[str], Workspace], former: Path, label: str) -> None:
    case = CASES[label]
    workspace = prepared(case.state)
    scripts = workspace.recorder.parent
    shutil.rmtree(scripts / "_record_run")
    shutil.copy(former, workspace.recorder)
    before = outcome(workspace, case)
    workspace.recorder.unlink()
    copy_recorder(scripts)
    keep_bytecode(scripts)
    after = outcome(workspace, case)
    assert after == before
    recorded = "only" not in label and label not in ("help", "version", "no command", "bad seed", "bad option")
    assert recorded == any(name.startswith("metadata/") and name.endswith(".json") for name in after["files"])


@pytest.mark.parametrize("what", RENAMED)
def test_what_scheme_2_changes_on_purpose(what: str) -> None:
    one, other, *same = RENAMED[what]
    for scheme, is_same in enumerate(same, 1):
        lines = [line.replace("{TOKEN}", TOKEN).split() for line in (one, other)]
        assert (len({recorder.naming.Identity(line, scheme=scheme).name for line in lines}) == 1) == is_same


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
