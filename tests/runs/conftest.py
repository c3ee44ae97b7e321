"""Workspaces with the recorder in them, and the recorder as a real process."""

from __future__ import annotations

import _imp
import functools
import json
import marshal
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import HELLO, Originals, commit_files, git, write_tree

SCRIPTS = Path(__file__).parents[2] / "template" / "exp" / "{{ experiment_root }}" / "{{ role_dirs.scripts }}"
SCHEMA = json.loads((SCRIPTS / "run_manifest.schema.json").read_text())
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
PYTHON = sys.executable


def settings(**changes: object) -> dict[str, object]:
    """What workspace.json says, as the template renders it."""
    return {
        "version": 1,
        "experiment_root": "exp",
        "layout": "flat",
        "role_dirs": {r: r for r in ROLES},
        "tasks_path": "exp/tasks.md",
        "environment_manager": "uv",
        "run_prefix": "",
        "research_server_url": "",
        "name_scheme": 1,
        **changes,
    }


def check(manifest: Mapping[str, Any]) -> None:
    """The manifest follows the schema."""
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(manifest)


@functools.cache
def check_text(manifest: bytes) -> None:
    """The manifest that a file holds follows the schema; looked at once, however often a test reads its manifests."""
    check(json.loads(manifest))


class Workspace:
    """A workspace for tests: `root` is its work directory."""

    def __init__(self, root: Path, facts: Mapping[str, Any]) -> None:
        self.root = root
        self.exp = root / str(facts["experiment_root"])
        self.recorder = self.exp / str(facts["role_dirs"]["scripts"]) / "record_run.py"
        self.facts = facts

    def command(self, *args: str | Path) -> list[str]:
        """The recorder's command line."""
        return [PYTHON, "-IS", str(self.recorder), *map(str, args)]

    def record(self, *args: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run the recorder to its end; its output is text, unless the options say otherwise."""
        options = {
            "cwd": self.root,
            "text": True,
            "capture_output": True,
            "timeout": 60,
            "stdin": subprocess.DEVNULL,
            **options,
        }
        if "input" in options:
            del options["stdin"]
        done = subprocess.run(self.command(*args), **options)
        if "--name-only" not in args:
            self.manifests()
        return done

    def start(self, *args: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start the recorder; its command runs when this returns."""
        before = set(self.paths())
        options = {
            "cwd": self.root,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
            **options,
        }
        process = subprocess.Popen(self.command(*args), **options)
        until(lambda: set(self.paths()) - before)
        return process

    def name(self, *args: str | Path, **options: Any) -> str:
        """The name that a run would have."""
        done = self.record("--name-only", *args, **options)
        assert done.returncode == 0, done.stderr
        return str(done.stdout).strip()

    def paths(self) -> list[Path]:
        """All manifests' paths."""
        folder = self.facts["role_dirs"]["metadata"]
        return sorted(p for p in self.exp.glob(f"**/{folder}/*.json") if p.is_file())

    def manifests(self) -> list[dict[str, Any]]:
        """All manifests, oldest first; each must follow the schema."""
        texts = [p.read_bytes() for p in self.paths()]
        for text in texts:
            check_text(text)
        return sorted(map(json.loads, texts), key=lambda m: (m["time"]["started_at"], m["run"]["attempt"]))

    def last(self) -> dict[str, Any]:
        """The newest manifest."""
        return self.manifests()[-1]

    def log(self, manifest: Mapping[str, Any], stream: str = "stdout") -> bytes:
        """A run's log."""
        return Path(self.root, manifest["paths"][stream]).read_bytes()

    def all_bytes(self) -> bytes:
        """Every path and every byte in the workspace but the scripts'."""
        parts = []
        for path in sorted(self.exp.rglob("*")):
            if self.recorder.parent not in path.parents and path.is_file():
                parts += [str(path.relative_to(self.exp)).encode(), path.read_bytes()]
        return b"\n".join(parts)


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition; asked for more rarely the longer it takes, since asking often takes longer than what is waited for."""
    limit, pause = time.monotonic() + seconds, 0.01
    while not condition():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(pause)
        pause = min(0.05, pause * 1.2)


def alive(marker: str) -> list[int]:
    """Processes whose own command line is exactly about `marker` (a recorder's or a guard's is not meant)."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker.encode() in words and b"-IS" not in words:
                found.append(int(folder.name))
    return found


def shorten_grace(workspace: Workspace, seconds: float = 0.3) -> None:
    """Have the workspace's recorder wait less long before it kills."""
    module = workspace.recorder.parent / "_record_run" / "command.py"
    module.write_text(module.read_text().replace("GRACE_S = 10.0", f"GRACE_S = {seconds}"))


def copy_recorder(scripts: Path) -> None:
    """Put the recorder into a folder of scripts."""
    shutil.copy(SCRIPTS / "record_run.py", scripts)
    shutil.copytree(SCRIPTS / "_record_run", scripts / "_record_run", ignore=shutil.ignore_patterns("__pycache__"))


@functools.cache
def compiled_modules() -> Mapping[str, tuple[bytes, bytes]]:
    """file name of each of the recorder's modules -> its source, and its code as bytecode files hold it"""
    sources = {path: path.read_bytes() for path in (SCRIPTS / "_record_run").glob("*.py")}
    return {
        path.name: (source, marshal.dumps(compile(source, str(path), "exec", dont_inherit=True)))
        for path, source in sources.items()
    }


def bytecode_file(path: Path, source: bytes, code: bytes) -> bytes:
    """What the recorder keeps for a module of its own that lies at `path`."""
    key = path.stat().st_ctime_ns
    data = MAGIC_NUMBER + b"\3\0\0\0" + _imp.source_hash(key, source) + code
    return data + _imp.source_hash(key, data)


def keep_bytecode(scripts: Path) -> None:
    """Have the recorder in a folder of scripts start as it does the second time: compiling is most of what a first start takes."""
    for name, (source, code) in compiled_modules().items():
        path = scripts / "_record_run" / name
        kept = Path(cache_from_source(path))
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(bytecode_file(path, source, code))


def write_workspace(root: Path, facts: Mapping[str, Any]) -> Workspace:
    """Put a workspace into a directory, as the template would."""
    made = Workspace(root, facts)
    made.recorder.parent.mkdir(parents=True)
    copy_recorder(made.recorder.parent)
    shutil.copy(SCRIPTS / "run_manifest.schema.json", made.recorder.parent)
    answers = (
        f"experiment_root: {facts['experiment_root']}\nworkspace_layout: {facts['layout']}\ntasks_path: {facts['tasks_path']}\n"
        + "experiments: []\nrole_dirs:\n"
        + "".join(f"  {k}: {v}\n" for k, v in facts["role_dirs"].items())
        + "".join(f"{k}: '{facts[k]}'\n" for k in ("workspace_id",) if k in facts)
    )
    write_tree(made.exp, {".copier-answers.scaffold.yml": answers, "tasks.md": "# Tasks\n"})
    (made.recorder.parent / "workspace.json").write_text(json.dumps(facts))
    return made


MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def make_workspace(tmp_path: Path, originals: Originals) -> MakeWorkspace:
    """A function that makes a committed repository with a workspace in it, whose recorder has been started before (unless it is `cold`).

    `prepare`, a function of a module, records runs or changes files in it: once in a session for all who want the same.
    """

    def make(
        files: Mapping[str, str | bytes] | None = None,
        *,
        below: str = "",
        name: str = "repo",
        cold: bool = False,
        prepare: Callable[[Workspace], None] | None = None,
        **changes: object,
    ) -> Workspace:
        root, content, facts = tmp_path / name, files or HELLO, settings(**changes)

        def commit(repo: Path) -> None:
            commit_files(repo, content)
            (repo / ".git/info").mkdir()
            (repo / ".git/info/exclude").write_text(
                "**/_record_run/__pycache__/\n"
            )  # as the workspace's .gitignore says
            write_workspace(repo / below, facts)
            git(repo, "add", "-A")
            git(repo, "commit", "-qm", "workspace")
            if prepare is not None:
                prepare(Workspace(repo / below, facts))

        key = sorted(content.items()), below, json.dumps(facts), prepare and (prepare.__module__, prepare.__qualname__)
        originals.put(root, key, commit, is_costly=prepare is not None)
        made = Workspace(root / below, facts)
        if not cold:
            keep_bytecode(made.recorder.parent)
        return made

    return make


@pytest.fixture
def workspace(make_workspace: MakeWorkspace) -> Workspace:
    """A small repository with a workspace."""
    return make_workspace(
        {"train.py": "print('hello')  # whatever argv is\n", "src/model.py": "LR = 1\n", "README.md": "# x\n"}
    )


def python(code: str, *args: str) -> Sequence[str]:
    """A command that runs Python code."""
    return (PYTHON, "-c", code, *args)


def without(*names: str) -> dict[str, str]:
    """The environment without some variables."""
    return {k: v for k, v in os.environ.items() if k not in names}
