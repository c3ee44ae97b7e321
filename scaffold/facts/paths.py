"""What a path says by its name alone: whose code it is, and whether its text is worth reading."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from scaffold.workspace import ANSWERS_FILE


def parse_word_set(text: str) -> frozenset[str]:
    """The words of a text as a set: how the vocabularies of detection are written down."""
    return frozenset(text.split())


VENDORED = parse_word_set(
    "third_party third-party thirdparty 3rdparty 3rd_party vendor vendored _vendor node_modules "
    "bower_components submodules external externals extern deps site-packages dist-packages "
    "__pycache__ venv .venv env.bak virtualenv .eggs build dist htmlcov .tox .nox"
)
TESTS = parse_word_set("test tests testing unit_tests unittests integration_tests .test")
DOCS = parse_word_set("doc docs documentation website site")
EXAMPLES = parse_word_set("example examples demo demos tutorial tutorials sample samples")
DATA = parse_word_set("data datasets dataset assets static public images img")
# the last four characters of files that are data whatever folder they lie in
_DATA_ENDS = parse_word_set(
    ".npy .npz .png .jpg jpeg .gif .bmp .tif tiff webp .wav .mp3 .mp4 flac .csv .tsv .txt json sonl .bin .pkl .dat .mat"
    " .zip r.gz .xml .svg .pdf .ply .obj .stl .pdb .cif cord quet .hdf .nii .dcm .svs .las .pcd"
)

# what the template of a workspace writes, beside the answers: it was made from the repository and says nothing new of it
TEMPLATES = parse_word_set(
    "README.md AGENTS.md tasks.md prompt_skill_playbook.md record_run.py run_manifest.schema.json summarize.py setup_env.sh"
    " run.sbatch workspace.json"
)
RECORDER_FOLDER = "/_record_run/"

# kind -> how many files are read at most, and how many bytes of each
LIMITS = {
    "python": (3000, 400_000),
    "notebook": (60, 2_000_000),
    "r": (1000, 200_000),
    "julia": (1000, 200_000),
    "shell": (1000, 200_000),
    "prose": (120, 300_000),
    "config": (500, 100_000),
    "build": (200, 400_000),
}

_SUFFIX_KIND = {
    "py": "python",
    "ipynb": "notebook",
    "r": "r",
    "jl": "julia",
    **dict.fromkeys(parse_word_set("sh bash zsh ksh csh sbatch slurm sub job pbs lsf qsub"), "shell"),
    **dict.fromkeys(parse_word_set("md mdx rst markdown"), "prose"),
    **dict.fromkeys(parse_word_set("yaml yml gin"), "config"),
    **dict.fromkeys(parse_word_set("toml cfg ini mk smk"), "build"),
}
_NAME_KIND = {
    **dict.fromkeys(
        parse_word_set(
            "Makefile makefile GNUmakefile justfile Justfile .justfile Snakefile Dockerfile Pipfile MLproject"
        ),
        "build",
    ),
    **dict.fromkeys(parse_word_set("tox.ini .gitmodules .gitattributes .gitignore nextflow.config"), "build"),
    **dict.fromkeys(parse_word_set("README README.txt readme.txt"), "prose"),
}
_REQUIREMENTS = re.compile(r"(^|/)requirements([^/]*|/[^/]+)\.txt$")
_SLURM_NAME = re.compile(r"(slurm|sbatch)[^/]*$", re.IGNORECASE)
_NOT_TEXT = parse_word_set(
    "out err log png jpg jpeg gif pdf svg npy npz pt pth ckpt pkl csv tsv json parquet zip gz tar h5 "
    "html r jl c cpp ts tsx js"
)


def classify_file(path: str) -> str | None:
    """How the text of a file is read, a key of `LIMITS`; None where its name is all it has to say."""
    name = path.rpartition("/")[2]
    if name in _NAME_KIND:
        return _NAME_KIND[name]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in _SUFFIX_KIND:
        return _SUFFIX_KIND[suffix]
    if suffix == "txt":
        return "build" if _REQUIREMENTS.search(path) else None
    if _SLURM_NAME.search(name) and suffix not in _NOT_TEXT:
        return "shell"
    parent = path.rpartition("/")[0].rpartition("/")[2]
    return "shell" if not suffix and parent in ("scripts", "script", "bin", "tools", "jobs", "slurm") else None


def without_data_files(files: Iterable[str]) -> list[str]:
    """The files that are not plain data, by their last four characters: a look at the others would take too long."""
    return [
        f
        for f in files
        if (end := f[-4:]) not in _DATA_ENDS or (end == ".txt" and ("requirements" in f or "readme" in f.lower()))
    ]


def without_template_files(files: list[str]) -> list[str]:
    """The files without those that `scaffold init` wrote, wherever there is a workspace."""
    roots = tuple(f.removesuffix(ANSWERS_FILE) for f in files if f.endswith("/" + ANSWERS_FILE))
    if not roots:
        return files
    return [
        f for f in files if not (f.startswith(roots) and (f.rpartition("/")[2] in TEMPLATES or RECORDER_FOLDER in f))
    ]


def list_path_folders(path: str) -> list[str]:
    """The folders that a path lies in, lower case."""
    return path.lower().split("/")[:-1]


def is_vendored(directory: str) -> bool:
    """Whether a directory holds code that was copied in, or that a tool made."""
    return any(p in VENDORED or p.endswith((".egg-info", ".dist-info")) for p in directory.lower().split("/"))


@functools.lru_cache(maxsize=20_000)  # four subjects ask for each file
def is_test(path: str) -> bool:
    """Whether a Python file tests the repository, by its name or its folder."""
    name = path.rpartition("/")[2]
    named = name.startswith("test_") or name.endswith(("_test.py", "_tests.py")) or name == "conftest.py"
    return named or not TESTS.isdisjoint(list_path_folders(path))


def is_named_like_a_test(path: str) -> bool:
    """Whether nothing but the end of its name makes a file a test: `mnist_test.py`, in no folder of tests."""
    return path.endswith("_test.py") and TESTS.isdisjoint(list_path_folders(path))


@functools.lru_cache(maxsize=20_000)  # four subjects ask for each file
def is_documentation(path: str) -> bool:
    """Whether a file belongs to the documentation."""
    return not DOCS.isdisjoint(list_path_folders(path))


@functools.lru_cache(maxsize=20_000)  # four subjects ask for each file
def is_example(path: str) -> bool:
    """Whether a file shows how to use the repository rather than doing its work."""
    return not EXAMPLES.isdisjoint(list_path_folders(path))


def is_hidden(path: str) -> bool:
    """Whether a file or one of its folders has a name that begins with a dot."""
    return path.startswith(".") or "/." in path


def count_path_parts(path: str) -> int:
    """How many components a path has: `a` 1, `a/b` 2."""
    return path.count("/") + 1
