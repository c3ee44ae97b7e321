"""What is read off a disk: which files speak, what is read of them, and what happens to the broken ones."""

from __future__ import annotations

import json
import os
import shlex
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold import facts
from scaffold.conventions.directories import experiment_root
from scaffold.errors import ScaffoldError
from scaffold.facts import (
    config_formats,
    documents,
    machine,
    paths,
    python_parser,
    python_source,
    quick_scan,
    shell_history,
    shell_parser,
)
from scaffold.facts.model import facts_from_texts
from tests.conftest import MakeRepo, commit_all, git, write_tree


def test_only_tracked_files_speak(make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": "x = 1\n", ".gitignore": "ignored.py\n"})
    write_tree(repo, {"untracked.py": "x = 1\n", "ignored.py": "x = 1\n"})
    assert facts.collect_repository_facts(repo).files == (".gitignore", "train.py")


def test_before_anything_is_tracked_what_is_there_and_not_ignored_speaks(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write_tree(tmp_path, {"train.py": "x = 1\n", "data/x.npy": "", ".gitignore": "data/\n"})
    found = facts.collect_repository_facts(tmp_path)
    assert found.files == (".gitignore", "train.py")
    assert found.git is not None
    assert (found.git.commit, found.git.dirty) == (None, False)


def test_a_directory_exp_without_tracked_files_is_seen(make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": "x = 1\n", ".gitignore": "exp/\n"})
    assert not facts.collect_repository_facts(repo).has_exp
    (repo / "exp").mkdir()
    found = facts.collect_repository_facts(repo)
    assert found.has_exp
    assert experiment_root(found).value == "exp"


def test_outside_git_hidden_installed_and_ignored_folders_are_left_out(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "train.py": "x = 1\n",
            ".hidden/a.py": "x = 1\n",
            "venv/lib/b.py": "x = 1\n",
            "node_modules/c.py": "x = 1\n",
            "scratch/d.py": "x = 1\n",
            ".gitignore": "scratch/\n",
        },
    )
    found = facts.collect_repository_facts(tmp_path)
    assert found.files == (".gitignore", "train.py")
    assert found.git is None


def test_of_a_folder_in_a_larger_repository_only_what_lies_below_speaks(make_repo: MakeRepo) -> None:
    repo = make_repo({"AGENTS.md": "x\n", "projects/a/train.py": "x = 1\n", "projects/b/eval.py": "x = 1\n"})
    found = facts.collect_repository_facts(repo / "projects/a")
    assert found.files == ("train.py",)
    assert found.git is not None
    assert found.git.commit == git(repo, "rev-parse", "HEAD").strip()


def test_a_linked_worktree_and_a_submodule_are_repositories_of_their_own(make_repo: MakeRepo, tmp_path: Path) -> None:
    inner = make_repo({"lib.py": "x = 1\n"}, name="inner")
    outer = make_repo({"train.py": "import wandb\n"}, name="outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "vendored/train.py")
    commit_all(outer)
    git(outer, "worktree", "add", "-q", str(tmp_path / "linked"))
    for workdir in (outer, tmp_path / "linked"):
        found = facts.collect_repository_facts(workdir)
        assert found.git is not None
        assert found.git.submodules == ("vendored/train.py",)
        assert "vendored/train.py" not in found.texts
    assert facts.collect_repository_facts(outer / "vendored/train.py").files == ("lib.py",)


def test_a_submodule_beside_the_work_directory_is_none_of_its_own(make_repo: MakeRepo) -> None:
    inner = make_repo({"lib.py": "x = 1\n"}, name="inner")
    outer = make_repo({"a/train.py": "x = 1\n"}, name="outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "b/inner")
    commit_all(outer)
    found = facts.collect_repository_facts(outer / "a").git
    assert found is not None
    assert found.submodules == ()


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_the_machine_tells_its_gpus_and_partitions_the_default_one_first(tools: Path) -> None:
    tool(tools, "nvidia-smi", "echo 'GPU 0: A (UUID: x)'; echo 'GPU 1: A (UUID: y)'")
    tool(tools, "sbatch", "exit 0")
    tool(tools, "sinfo", "printf 'long\\ngpu*\\nlong\\n'")
    found = machine.read_machine()
    assert (found.slurm, found.scheduler_partitions) == (True, ("gpu", "long"))
    assert found.gpus in (2, len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))


def test_a_tool_that_hangs_or_fails_is_not_waited_for(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TIMEOUT_S", 0.2)
    tool(tools, "sbatch", "exit 0")
    tool(tools, "sinfo", "exec sleep 30")
    tool(tools, "broken", "echo partial; exit 1")
    assert machine.read_machine().scheduler_partitions == ()
    assert machine.read_tool_output("broken") == ""


def test_git_facts_hold_no_credentials(make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": "x = 1\n", ".gitattributes": "*.pt filter=lfs diff=lfs merge=lfs -text\n"})
    git(repo, "remote", "add", "origin", "https://ann:secret@example.org/lab/repo.git")
    (repo / "train.py").write_text("x = 2\n")
    found = facts.collect_repository_facts(repo).git
    assert found is not None
    assert (found.remote, found.branch, found.dirty, found.lfs) == (
        "https://example.org/lab/repo.git",
        "main",
        True,
        True,
    )


def test_a_bare_repository_and_a_missing_directory_are_refused(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    with pytest.raises(ScaffoldError, match="bare git repository"):
        facts.collect_repository_facts(tmp_path / "bare.git")
    with pytest.raises(ScaffoldError, match="does not exist"):
        facts.collect_repository_facts(tmp_path / "missing")


def test_broken_files_become_facts(make_repo: MakeRepo, tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["import wandb\n"]}
    (tmp_path / "outside.py").write_text("import wandb\n")
    repo = make_repo(
        {
            "latin.py": "# caf\xe9\nimport wandb\n".encode("latin-1"),
            "binary.py": b"\0\1\2",
            "huge.ipynb": json.dumps({"cells": [cell], "pad": "x" * 5_000_000}),
            "small.ipynb": json.dumps({"cells": [cell]}),
            "gone.py": "x = 1\n",
            "train.py/readme.md": "a folder\n",
        }
    )
    for name, target in (("loop.py", "loop.py"), ("outside_link.py", "../outside.py"), ("inside.py", "latin.py")):
        (repo / name).symlink_to(target)
    commit_all(repo)
    (repo / "gone.py").unlink()
    found = facts.collect_repository_facts(repo)
    assert {"binary.py", "huge.ipynb", "gone.py", "loop.py", "outside_link.py"} == set(found.unread)
    assert found.unread["binary.py"] == "binary"
    assert found.unread["huge.ipynb"] == "larger than 2000000 bytes"
    assert found.unread["outside_link.py"] == "a link that leaves the repository"
    assert found.parse("latin.py").uses("wandb") == 2
    assert found.parse("inside.py").uses("wandb") == 2
    assert found.parse("small.ipynb").uses("wandb") == 1
    assert "train.py" not in found.texts


def test_a_file_is_read_once_whole_and_with_its_mark_taken_off(make_repo: MakeRepo) -> None:
    repo = make_repo(
        {
            "bom.py": b"\xef\xbb\xbfimport wandb\n",
            "dos.py": b"import wandb\r\n",
            "utf16.py": "import wandb\n".encode("utf-16"),
        }
    )
    (repo / "pipe.py").write_text("x = 1\n")
    (repo / "empty.py").write_text("")
    commit_all(repo)
    (repo / "pipe.py").unlink()
    os.mkfifo(repo / "pipe.py")  # nobody writes into it: a read that waits would never end
    found = facts.collect_repository_facts(repo)
    assert found.texts["bom.py"] == "import wandb\n"
    assert found.texts["dos.py"] == "import wandb\r\n"
    assert found.texts["empty.py"] == found.texts["pipe.py"] == ""
    assert found.unread == {"utf16.py": "binary"}


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000, 100_001])
def test_a_file_is_read_up_to_its_limit(make_repo: MakeRepo, size: int) -> None:
    most = paths.LIMITS["config"][1]
    found = facts.collect_repository_facts(make_repo({"a.yaml": "x" * size}))
    assert (len(found.texts.get("a.yaml", "")), found.unread) == (
        (size, {}) if size <= most else (0, {"a.yaml": f"larger than {most} bytes"})
    )


def test_nobody_waits_for_what_takes_long_before_it_is_asked_for(make_repo: MakeRepo, tools: Path) -> None:
    repo = make_repo({"train.py": "x = 1\n"})
    go = tools / "go"
    tool(tools, "sbatch", "exit 0")
    tool(tools, "sinfo", f"while ! test -e {go}; do sleep 0.01; done; echo gpu")
    found = facts.collect_repository_facts(repo)
    assert found.files == ("train.py",)  # sinfo still waits
    go.touch()
    assert found.machine.scheduler_partitions == ("gpu",)


def test_file_names_that_are_no_utf_8_are_kept(make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": "x = 1\n"})
    (repo / "caf\udce9.py").write_text("x = 1\n")
    (repo / "ünï.py").write_text("x = 1\n")
    commit_all(repo)
    assert facts.collect_repository_facts(repo).files == ("caf\udce9.py", "train.py", "ünï.py")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("train.py", "python"),
        ("a/job.sbatch", "shell"),
        ("a/one.slurm_template", "shell"),
        ("scripts/launch", "shell"),
        ("slurm-123.out", None),
        ("requirements/dev.txt", "build"),
        ("notes.txt", None),
        ("README", "prose"),
        ("conf/a.yaml", "config"),
        ("data/x.json", None),
    ],
)
def test_a_name_says_how_a_file_is_read(path: str, kind: str | None) -> None:
    assert paths.classify_file(path) == kind


@pytest.mark.parametrize("folder", ["third_party/x", "a/node_modules/b", "src/vendor", "x.egg-info"])
def test_vendored_and_generated_folders_by_name(folder: str) -> None:
    assert paths.is_vendored(folder)


def test_directories_are_counted_to_depth_three_and_data_is_not_entered() -> None:
    found = facts_from_texts(dict.fromkeys(("a/b/c/d/e.py", "a/x.py", "data/s/1.npy", "data/s/2.npy", "top.py"), ""))
    assert found.directory_sizes == {"a": 2, "a/b": 1, "a/b/c": 1, "data": 2}
    assert found.files_below("data") == ["data/s/1.npy", "data/s/2.npy"]
    assert found.has("a/x.py")
    assert not found.has("a/y.py")


def test_imports_are_followed_through_packages_and_src() -> None:
    found = facts_from_texts(
        {
            "train.py": "from pkg import model\nimport tools.log as log\nimport torch\n",
            "pkg/__init__.py": "x = 1\n",
            "pkg/model.py": "from .layers import (\n    attention,  # noqa\n    mlp as m,\n)\n",
            "pkg/layers/__init__.py": "x = 1\n",
            "pkg/layers/mlp.py": "x = 1\n",
            "src/tools/log.py": "x = 1\n",
        }
    )
    assert found.import_closure("train.py") == {
        "train.py": 0,
        "pkg/model.py": 1,
        "pkg/__init__.py": 1,
        "src/tools/log.py": 1,
        "pkg/layers/mlp.py": 2,
        "pkg/layers/__init__.py": 2,
    }
    assert found.importing_files("pkg/layers/mlp.py") == ("pkg/model.py",)


def test_python_is_parsed_not_run(make_repo: MakeRepo) -> None:
    repo = make_repo({"train.py": "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"})
    facts.collect_repository_facts(repo).parse("train.py")
    assert not (repo / "ran").exists()


def test_a_source_says_what_it_does() -> None:
    text = '''"""Doc."""
import a.b as c
from x import y
SEED = 1
class Args(Base):
    seed: int = 0
@click.command()
def main(seed, *, lr): ...
parser.add_argument("--lr", type=float, choices=[1, "b"], parents=[p.q])
params["key"] = 1
for n in range(3): ...
if __name__ == "__main__":
    main()
'''
    found = python_parser.parse_python_source(text)
    assert list(found.modules()) == [("a.b", 2), ("x", 3), ("x.y", 3)]
    assert (found.doc, found.main, found.acts, found.globals) == ("Doc.", 12, 9, {"SEED": 4})
    assert found.classes[0].fields == {"seed": "int"}
    assert (found.functions[0].decorators, list(found.functions[0].fields)) == (("click.command",), ["seed", "lr"])
    call = next(c for c in found.calls if c.last == "add_argument")
    assert call.args == ("--lr",)
    assert call.keywords["parents"] == (python_source.DottedName("p.q"),)
    assert found.stores == (("params", "key", 10),)


def test_a_file_that_is_no_python_3_still_shows_its_lines() -> None:
    text = "print 'old'\nimport wandb\nparser.add_argument('--seed')\nif __name__ == '__main__':\n    main()\n"
    found = python_parser.parse_python_source(text)
    assert found.error is not None
    assert (found.uses("wandb"), found.main, [c.args for c in found.calls]) == (2, 4, [("--seed",)])


@pytest.mark.parametrize("text", ["\0", "(" * 100_000, "x = " + "-" * 100_000 + "1"])
def test_no_text_makes_parsing_fail(text: str) -> None:
    assert python_parser.parse_python_source(text).error is not None


IMPORTS = [
    "import a\n",
    "import a",
    "x = 1; import a, b as c\n",
    "from a import b\r\nfrom c import d\r\n",
    "from a.b import (c,  # one (of two)\n    d)\ny = 1\n",
    "from a import (\n    b,  # )\n    c,\n)\n",
    "from a \\\n    import b, \\\n    c\nx = (1)\n",
    "from a \\\r\n    import b\r\n",
    "from . import a\nfrom .b import (c)\n",
    "if x:\n\timport a\nelse: import b\n",
    "text = 'import'\nfrom a import (b)\n",
    "f(import_it)\nimport a\n",
    "# import (a\nimport b\n",
]


@pytest.mark.parametrize("text", IMPORTS)
def test_the_lines_that_import_hold_every_name_that_is_imported(text: str) -> None:
    held = quick_scan.import_lines(text)
    for statement in python_parser.parse_python_source(text).imports:
        for name in (*statement.module.split("."), *statement.names):
            assert name in held


def test_the_lines_that_import_hold_little_else() -> None:
    text = "import a\n" + "x = 1\n" * 50 + "from b import (\n    c,\n)\n" + "y = (2)\n" * 50
    assert quick_scan.import_lines(text) == "import a\nfrom b import (\n    c,\n)"
    assert quick_scan.import_lines("x = 1\n") == ""


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('"""a\n"b"\n"""\nx = "c"\n', '"""a\n"b"\n"""'),
        ("#!/bin/x\n# -*- y -*-\n\nr'''a'''\n", "'''a'''"),
        ("'a \\' b'\n", "'a \\' b'"),
        ('("a")\n', '"a"'),
        ('"""never ends', '"""never ends'),
        ('x = "a"\n', ""),
        ("", ""),
    ],
)
def test_the_docstring_is_the_first_string(text: str, held: str) -> None:
    assert quick_scan.scan_docstring(text) == held


def test_files_are_found_by_what_they_import_in_any_case_and_not_by_what_else_they_say() -> None:
    found = facts_from_texts(
        {"a.py": "from x import WandbLogger\n", "b.py": "wandb = 'an import'[0]\n", "c.py": "wandb = 1\n"}
    )
    assert found.files_importing(("wandb",), found.python) == ["a.py", "b.py"]


@given(st.text(alphabet=st.sampled_from("ab-=/$'\"\\# \t\r\n\x0b\x1cé\u00a0"), max_size=20))
def test_a_plain_command_is_split_as_the_shell_would(text: str) -> None:
    try:
        expected = shlex.split(text, comments=True)
    except ValueError:
        expected = text.split()
    assert shell_parser.split_shell_words(text) == expected


def test_shell_commands_are_joined_split_and_stripped() -> None:
    text = (
        "# comment\nA=1 B=2 nohup python train.py \\\n  --lr 1 && echo done; torchrun x.py  # why\nsrun 'unbalanced\n"
    )
    found = [(c.line, c.words) for c in shell_parser.parse_commands("run.sh", text)]
    assert found == [
        (2, ("python", "train.py", "--lr", "1")),
        (2, ("echo", "done")),
        (2, ("torchrun", "x.py")),
        (4, ("srun", "'unbalanced")),
    ]


@pytest.mark.parametrize(
    ("document", "commands"),
    [
        (
            "```\n(lab) $ python a.py\nme@login1:~/x$ python b.py\n(lab)[repo]$ python c.py\n[me@n1 repo]$ sbatch d.sh\n```\n",
            ["python a.py", "python b.py", "python c.py", "sbatch d.sh"],
        ),
        ("```bash\n$ python a.py\nmy-tool --x\n# comment\n```\n", ["python a.py", "my-tool --x"]),
        ("```\nLoss: 0.1\npython a.py\n```\n", ["python a.py"]),
        ("```python\nimport torch\n```\n", []),
        ("Run `python a.py --x 1` or `train`.\n", ["python a.py --x 1"]),
        ("    python a.py\n\ntext python a.py\n", ["python a.py"]),
        ("~~~sh\ntorchrun a.py \\\n  --x\n~~~\n", ["torchrun a.py --x"]),
        ("```sh\npython a.py \\\n```\ntext\n```sh\npython b.py\n```\n", ["python a.py", "python b.py"]),
    ],
)
def test_commands_that_a_document_shows(document: str, commands: list[str]) -> None:
    assert [c.text for c in documents.extract_document_commands("README.md", document)] == commands


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("python train.py --wandb_key abc123 --lr 1", "python train.py --wandb_key *** --lr 1"),
        ("WANDB_API_KEY=abc sbatch job.sh", "WANDB_API_KEY=*** sbatch job.sh"),
        ("python train.py --hf hf_abcdefghijklMNOP", "python train.py --hf ***"),
        ("git clone https://ann:pw@example.org/x", "git clone https://***@example.org/x"),
        ("git clone https://ann:p@ss@example.org/x", "git clone https://***@example.org/x"),
        ("python train.py --tokenizer gpt2 --max_tokens 5", "python train.py --tokenizer gpt2 --max_tokens 5"),
        ("python key_train.py data", "python key_train.py data"),
        ("python train.py --model meta-llama/Llama-3-8B", "python train.py --model meta-llama/Llama-3-8B"),
    ],
)
def test_history_holds_no_secrets(line: str, kept: str) -> None:
    assert shell_history.redact_command_line(line) == kept


def test_history_is_read_when_asked_for_and_keeps_the_launches_of_this_repository(
    make_repo: MakeRepo, sealed: Path
) -> None:
    repo = make_repo({"train.py": "x = 1\n", "jobs/a.sbatch": "x\n"})
    lines = [
        "ls",
        "python train.py --lr 1",
        "python other_train.py",
        "sbatch jobs/a.sbatch",
        ": 1700000000:0;python train.py --lr 2",
    ]
    (sealed / ".bash_history").write_text("\n".join(lines + [f"python train.py --n {n}" for n in range(30)]) + "\n")
    assert facts.collect_repository_facts(repo).history is None
    found = facts.collect_repository_facts(repo, history=True).history
    assert found is not None
    assert len(found) == 20
    assert found[-1] == "python train.py --n 29"
    assert "python other_train.py" not in found


@pytest.mark.parametrize("named", ["a" * 300, "/proc/1/nothing/there"])
def test_a_history_file_that_cannot_be_is_none(
    make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("HISTFILE", named)
    assert facts.collect_repository_facts(make_repo({"train.py": "x = 1\n"}), history=True).history == ()


def test_without_a_home_there_is_no_history(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert facts.collect_repository_facts(make_repo({"train.py": "x = 1\n"}), history=True).history == ()


YAML = """\
a: &x 1
b: [*x, {c: *x}]
? [p, q]
: r
? {s: t}
: {u: !Mine v}
w: &y {k: z}
again: *y
---
- - e
"""


def test_the_scalars_of_a_yaml_text_come_with_key_and_line() -> None:
    assert list(config_formats.yaml_scalars(YAML)) == [
        ("a", "1", 1),
        ("b", "1", 1),
        ("c", "1", 1),
        ("", "r", 4),
        ("u", "v", 6),
        ("k", "z", 7),
        ("", "e", 10),
    ]
    assert list(config_formats.yaml_scalars("a: 1\nb: [\n")) == []


@pytest.mark.parametrize("nested", ["[" * 95_000, "- " * 49_000 + "x", "[" * 40_000 + "]" * 40_000])
def test_no_nesting_breaks_the_reader_of_yaml_down(nested: str) -> None:
    assert list(config_formats.yaml_scalars(f"logger: \n  {nested}\n")) == []


@pytest.mark.parametrize("quoted", ["", " 'x'"])
def test_a_long_row_of_spaces_in_a_script_takes_as_long_as_it_is(quoted: str) -> None:
    text = "python" + "\t" * 60_000 + f"train.py{quoted} && wait\n"
    began = time.process_time()
    commands = [[word.strip("'") for word in c.words] for c in shell_parser.parse_commands("run.sh", text)]
    assert commands == [["python", "train.py", *quoted.replace("'", "").split()], ["wait"]]
    assert time.process_time() - began < 2
