"""Which difference between two code states can reach a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scaffold import workspace as workspaces
from scaffold.ideas.study import IdeaRecord, IdeaStudy, format_idea_study_file
from scaffold.results.configuration.equivalent_code import find_equivalent_code, find_script_of_command
from scaffold.results.configuration.import_reach import find_reaching_files
from scaffold.results.metrics.run_filter import parse_run_filter
from scaffold.runs.code_difference import diff_code
from scaffold.runs.duplicate_runs import duplicate_run_key
from scaffold.runs.model import Run
from scaffold.workspace import Workspace
from tests.conftest import MakeRepo, git, write_tree
from tests.conftest import Run as RunCommand
from tests.results.conftest import ANSWERS, Ask, Study
from tests.runs.conftest import copy_recorder, settings
from tests.truth.made_runs import make_manifest, make_run, make_workspace, row_values, summarized, table_of

TREE = {
    "train.py": "import models\nfrom lib.data import load\nif __name__ == '__main__': pass\n",
    "models/__init__.py": "from .net import Net\n",
    "models/net.py": "x = 1\n",
    "models/registered.py": "REGISTRY = 1\n",
    "models/export.py": "if __name__ == '__main__': print(1)\n",
    "lib/data.py": "import numpy\n",
    "lib/other.py": "x = 1\n",
    "src/pkg/__init__.py": "",
    "src/pkg/run.py": "import hydra\n@hydra.main(config_path='../../conf')\ndef main():\n    from pkg import deep\n",
    "src/pkg/deep.py": "x = 1\n",
    "conf/base.yaml": "lr: 1\n",
    "plot.py": "print(1)\n",
    "scripts/tool.py": "if __name__ == '__main__': pass\n",
    "ops/kernel.cu": "int x;\n",
    "data.json": "{}\n",
    "tests/test_net.py": "x = 1\n",
    "test_all.py": "x = 1\n",
    "conftest.py": "x = 1\n",
    "docs/conf.py": "x = 1\n",
    "docs/a.yaml": "a: 1\n",
    ".github/workflows/ci.yml": "a: 1\n",
    ".gitignore": "a\n",
    "README.md": "a\n",
    "notes.txt": "a\n",
    "figure.png": "a\n",
    "explore.ipynb": "{}\n",
    "pyproject.toml": "[tool.ruff]\n",
    "Makefile": "a:\n",
    "run.sh": "python train.py\n",
    "exp/tasks.md": "# Tasks\n",
    "exp/scripts/evaluate.py": "import models\n",
}


def reaching(script: str | None) -> set[str]:
    """What reaches a run of a script of TREE; a file's text is its content's id."""

    def read(paths: Iterable[str]) -> Mapping[str, str]:
        return {path: TREE[path] for path in paths if path in TREE}

    return set(find_reaching_files(TREE, script, read, excluded=["exp"]))


NEVER = {
    *(
        "tests/test_net.py",
        "test_all.py",
        "conftest.py",
        "docs/conf.py",
        "docs/a.yaml",
        ".github/workflows/ci.yml",
        ".gitignore",
    ),
    *("README.md", "notes.txt", "figure.png", "explore.ipynb", "pyproject.toml", "exp/tasks.md"),
}


HYDRA = {"src/pkg/run.py", "src/pkg/deep.py", "src/pkg/__init__.py", "conf/base.yaml"}
TRAIN = {"train.py", "models/__init__.py", "models/net.py", "models/registered.py", "lib/data.py", "conf/base.yaml"}
ALL = {"train.py", "plot.py", "scripts/tool.py", "run.sh", "Makefile", "conf/base.yaml", "lib/other.py"}
BESIDE = {"plot.py", "scripts/tool.py", "models/export.py", "lib/other.py", "run.sh", "src/pkg/run.py"}


@pytest.mark.parametrize(
    ("script", "reaches", "does_not"),
    [
        ("train.py", TRAIN | {"ops/kernel.cu", "data.json"}, BESIDE | NEVER),
        ("src/pkg/run.py", HYDRA, {"train.py", "data.json"} | NEVER),
        ("exp/scripts/evaluate.py", {"exp/scripts/evaluate.py", "models/net.py"}, {"plot.py"} | NEVER),
        (None, ALL, NEVER),
    ],
)
def test_what_reaches_a_run(script: str | None, reaches: set[str], does_not: set[str]) -> None:
    files = reaching(script)
    assert reaches <= files and not does_not & files, files


@pytest.mark.parametrize(
    ("form", "prefix", "script"),
    [
        ("python train.py --lr", "", "train.py"),
        ("python -m src.pkg.run", "", "src/pkg/run.py"),
        ("cd src && python pkg/run.py", "", "src/pkg/run.py"),
        ("python pkg/run.py", "src/", "src/pkg/run.py"),
        ("torchrun --nproc_per_node 2 train.py --lr", "", "train.py"),
        ("bash run.sh", "", None),
        ("bash -c cd x && python train.py | tee log", "", None),
        ("python /elsewhere/train.py", "", None),
        ("", "", None),
    ],
)
def test_which_script_a_command_starts(form: str, prefix: str, script: str | None) -> None:
    assert find_script_of_command(form, prefix, TREE) == script


def commit(repo: Path, files: Mapping[str, str]) -> str:
    """Commit files; the commit."""
    write_tree(repo, files)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "x")
    return str(git(repo, "rev-parse", "HEAD")).strip()


def run_of(repo: Path, commit: str, code: str, started: int, **git_fields: object) -> Run:
    """A run of a commit, with its manifest on the disk."""
    manifest = make_manifest("python train.py --lr 1 --seed 1", code=code, started=started)
    manifest["git"].update(commit=commit, **git_fields)
    manifest["run"]["name"] += code
    run = make_run(manifest)
    write_tree(repo, {run.path: json.dumps(manifest)})
    return run


def test_states_of_a_real_repository(make_repo: MakeRepo) -> None:
    repo = make_repo(
        {**TREE, "exp/.copier-answers.scaffold.yml": ANSWERS, "exp/scripts/workspace.json": json.dumps(settings())}
    )
    copy_recorder(repo / "exp/scripts")
    workspace: Workspace = workspaces.load_workspace(repo, "exp")
    first = commit(repo, {"exp/a.txt": "1"})
    added = commit(repo, {"plot.py": "print(2)", "README.md": "more", "tests/test_net.py": "x = 2"})
    edited = commit(repo, {"models/net.py": "x = 2\n", "conf/base.yaml": "lr: 2\n"})
    write_tree(repo, {"lib/data.py": "import torch\n", "plot.py": "print(3)"})
    write_tree(repo / "exp/metadata", {"patches/p.patch": str(git(repo, "diff", "--binary", "HEAD")) + "\n"})
    runs = [
        run_of(repo, first, "a", 1),
        run_of(repo, added, "b", 2),
        run_of(repo, edited, "c", 3),
        run_of(repo, edited, "d", 4, dirty=True, patch="exp/metadata/patches/p.patch"),
        run_of(repo, "0" * 40, "e", 5),
    ]
    states = find_equivalent_code(workspace, runs)
    a, b, c, d, e = (states.state_of(run) for run in runs)
    assert a == b and len({a, c, d, e}) == 4
    assert states.differing_files([a, c]) == ("conf/base.yaml", "models/net.py")
    assert states.differing_files([c, d]) == ("lib/data.py",)
    assert states.differing_files([a, e]) is None, "its commit is not there any more"
    assert git(repo, "status", "--porcelain", "--", "models") == "", "the index is as it was"
    assert find_equivalent_code(workspace, runs).state_of(runs[1]) == a, "from the cache"
    with_manifests = [(run, json.loads((repo / run.path).read_text())) for run in runs]
    committed = diff_code(workspace, with_manifests[0], with_manifests[2])
    uncommitted = diff_code(workspace, with_manifests[2], with_manifests[3])
    assert "-x = 1\n+x = 2\n" in committed and "b/plot.py" in committed and "a/exp/" not in committed
    assert "+import torch\n" in uncommitted and "models/net.py" not in uncommitted
    assert diff_code(workspace, with_manifests[0], with_manifests[0]) == ""


def study_with_states(study: Study) -> None:
    """`base` ran with the states a and b, `main` with a and c; two seeds each."""
    for experiment, codes in (("base", "ab"), ("main", "ac")):
        for code in codes:
            for seed in (1, 2, 3):
                value = seed / 10 + (experiment == "main")
                study.add(experiment, seed, {"lr": 1}, {"acc": value}, code=code)


def test_a_comparison_takes_the_newest_state_that_both_have(study: Study, ask: Ask) -> None:
    study_with_states(study)
    answer = ask("compare", "base", "main")
    (comparison,) = answer["comparisons"]
    assert (comparison["n_a"], comparison["n_b"]) == (3, 3) and "several states of the code" in answer["warnings"][0]
    (folded,) = ask("compare", "base", "main", "--ignore", "code")["comparisons"]
    assert (folded["n_a"], folded["n_b"]) == (3, 3), "one seed is one sample"


def test_without_a_common_state_there_are_two_ways_out(study: Study, run: RunCommand) -> None:
    for experiment, codes in (("base", "ab"), ("main", "cd")):
        for code in codes:
            study.add(experiment, 1, {"lr": 1}, {"acc": 0.5}, code=code)
    done = run("results", "compare", "base", "main", "--workdir", study.root)
    assert done.exit_code == 1 and "no state of the code in common" in done.stderr
    assert "commit=" in done.stderr and "--ignore code" in done.stderr


SCRIPT = "exp/scripts/eval.py"


@pytest.mark.parametrize(
    ("a", "b", "rows"),
    [
        ({"files": {SCRIPT: "1" * 64}}, {"files": {SCRIPT: "1" * 64}}, 1),
        ({"files": {SCRIPT: "1" * 64}}, {"files": {SCRIPT: "2" * 64}}, 2),
        ({"files": {SCRIPT: "1" * 64, "local/x.py": "1" * 64}}, {"files": {SCRIPT: "1" * 64}}, 2),
        ({"stdin": "exp/metadata/stdin/1111.py"}, {"stdin": "exp/metadata/stdin/1111.py"}, 1),
        ({"stdin": "exp/metadata/stdin/1111.py"}, {"stdin": "exp/metadata/stdin/2222.py"}, 2),
    ],
)
@pytest.mark.parametrize("in_git", [True, False])
def test_scripts_that_no_code_state_has_are_code(
    tmp_path: Path, a: dict[str, Any], b: dict[str, Any], rows: int, in_git: bool
) -> None:
    workspace, manifests = make_workspace(tmp_path), []
    for seed, side in enumerate((a, b), start=1):
        command = "python -" if "stdin" in side else f"python {SCRIPT}"
        manifest = make_manifest(command, seed=seed, started=seed, seed_source="environment")
        manifest["command"]["files"] = side.get("files", {})
        manifest["paths"]["stdin"] = side.get("stdin")
        if not in_git:
            manifest["git"] = None
        manifests.append(manifest)
    runs = [make_run(manifest) for manifest in manifests]
    table = table_of(workspace, runs)
    assert len(table.rows) == rows and len(table_of(workspace, runs, ignore=("code",)).rows) == 1
    assert row_values(table) == summarized(workspace, manifests)
    if rows == 2:
        (warning,) = table.warnings
        named = "local/x.py" if "local/x.py" in str(a) else SCRIPT if "files" in a else "standard input"
        assert f"it differs in {named}; --ignore code folds them" in warning
        assert len({row.config["code"] for row in table.rows}) == 2
    questions = {duplicate_run_key(run) for run in runs if in_git}
    assert len(questions - {None}) == (2 if in_git else 0)


def test_by_code_and_short_hashes(study: Study) -> None:
    study_with_states(study)
    assert len(study.table(by=["commit"]).rows) == 2 and len(study.table().rows) == 4
    for text, runs in (("commit=aaaaaaa", 12), ("commit=bbbb", 0), ("code=bbbbbb", 3), ("commit in (aaaa, cccc)", 12)):
        table = study.table(where=parse_run_filter(text), ignore=("code",))
        assert sum(len(row.runs) for row in table.rows) == min(runs, 6), text


def test_code_that_is_an_idea_is_called_by_its_name(study: Study) -> None:
    study_with_states(study)
    ideas = (IdeaRecord(number=0, text="base", commit="a" * 40, state="a" * 64),
             IdeaRecord(number=3, text="wider", commit="b" * 40, state="b" * 64))  # fmt: skip
    content = format_idea_study_file(
        IdeaStudy(name="s", metric="acc", direction="maximize", command=("true",), ideas=ideas)
    )
    write_tree(study.root, {"exp/metadata/ideas/s.json": content.decode(), "exp/metadata/ideas/broken.json": "[1"})
    assert {row.config["code"] for row in study.table().rows} == {"aaaaaaa", "s idea 3"}
    (study.root / "exp/metadata/ideas/broken.json").unlink()
    assert "idea 3" in {row.config["code"] for row in study.table(by=["code"]).rows}
