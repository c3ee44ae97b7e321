"""The files of a code state, and what starts a run -> the files that can reach the run.

That is what the script imports, directly or not, and of the folders in which that lies configurations, code in other languages, and modules
of packages (they may be imported by name). Never tests, documentation, texts, pictures, what tools are configured by, nor scripts that
nothing imports. Where the script is not known, all but those that never can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from scaffold.facts import Facts, paths

CONFIGS = (
    ".yaml",
    ".yml",
    ".toml",
    ".ini",
    ".cfg",
    ".conf",
    ".gin",
    ".json",
    ".jsonnet",
    ".libsonnet",
    ".xml",
    ".hocon",
)
OTHER_CODE = (
    *(
        ".c",
        ".cc",
        ".cpp",
        ".cxx",
        ".h",
        ".hh",
        ".hpp",
        ".cu",
        ".cuh",
        ".pyx",
        ".pxd",
        ".pyi",
        ".rs",
        ".go",
        ".jl",
        ".r",
        ".lua",
    ),
    *(".m", ".js", ".ts", ".java", ".so", ".stan", ".sql", ".proto"),
)
_TEXTS = (".md", ".rst", ".txt", ".tex", ".bib", ".adoc", ".org", ".pdf", ".html", ".css", ".log", ".lock")
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".ico", ".eps", ".mp4", ".webm")
_TOOLS = paths.parse_word_set(
    "pyproject.toml setup.cfg setup.py tox.ini noxfile.py mkdocs.yml mkdocs.yaml codecov.yml environment.yml environment.yaml package.json"
    " package-lock.json pixi.toml ruff.toml mypy.ini pytest.ini pyrightconfig.json renovate.json appveyor.yml azure-pipelines.yml"
    " LICENSE LICENCE NOTICE AUTHORS CITATION.cff CODEOWNERS MANIFEST.in"
)
_CONFIG_PATH = re.compile(r"""config_(?:path|dir)\s*=\s*["']([^"'{}$]+)["']""")
_MAIN_GUARD = re.compile(r"""^if __name__ == ["']__main__["']""", re.MULTILINE)
DEEPEST = 40
Read = Callable[[Iterable[str]], Mapping[str, str]]


class _Texts(dict[str, str]):
    """The texts that were read; it holds every file of the code, read or not: what is imported is looked up before it is read."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__()
        self._files = files

    def __contains__(self, path: object) -> bool:
        return path in self._files


def find_reaching_files(
    files: Mapping[str, str], script: str | None, read: Read, *, excluded: Iterable[str] = ()
) -> dict[str, str]:
    """Those of `files` (path -> content's id) that can reach a run of `script` (None: not known); `excluded` are folders of no code."""
    excluded = tuple(f"{folder}/" for folder in excluded)
    counted = {p: i for p, i in files.items() if not p.startswith(excluded) and not is_never_read_by_runs(p)}
    if script is None or script not in files:
        return counted
    closure, texts = _import_closure(files, script, read)
    reaching = {path: files[path] for path in closure}
    folders = {path.rpartition("/")[0] for path in closure} | _config_folders(texts)
    packages = {
        path.rpartition("/")[0] for path in closure if path != script and f"{_folder(path)}__init__.py" in files
    }
    modules = []
    for path, content in counted.items():
        if path.endswith(".py"):
            modules += [path] if path not in closure and path.rpartition("/")[0] in packages else []
        elif path.lower().endswith((*CONFIGS, *OTHER_CODE)) and _lies_in(path, folders):
            reaching[path] = content
    sources = read(modules)
    reaching.update({p: files[p] for p in modules if not _MAIN_GUARD.search(sources.get(p, ""))})
    return reaching


def is_never_read_by_runs(path: str) -> bool:
    """Whether a file is of a kind that no run reads: a test, documentation, a text, a picture, the settings of a tool."""
    name = path.rpartition("/")[2]
    if paths.is_hidden(path) or paths.is_documentation(path) or name in _TOOLS:
        return True
    return name.lower().endswith((*_TEXTS, *_PICTURES, ".ipynb")) or paths.is_test(path)


def _import_closure(files: Mapping[str, str], script: str, read: Read) -> tuple[set[str], dict[str, str]]:
    """The script and what it imports of the repository, also indirectly, with the packages around; and their texts."""
    texts = _Texts(files)
    facts = Facts(files=(), texts=texts)
    closure, edge = {script}, [script]
    for _ in range(DEEPEST):
        if not edge:
            break
        texts.update(read(edge))
        imported = {name for path in edge for name in facts.imported_files(path)}
        around = {init for path in imported for init in _packages_around(path) if init in files}
        edge = sorted((imported | around) - closure)
        closure.update(edge)
    return closure, texts


def _packages_around(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join([*parts[:n], "__init__.py"]) for n in range(1, len(parts) + 1)]


def _config_folders(texts: Mapping[str, str]) -> set[str]:
    """The folders that Hydra's `config_path` and its like name, from where the file lies."""
    folders = set()
    for path, text in texts.items():
        for match in _CONFIG_PATH.finditer(text):
            parts = path.split("/")[:-1]
            for part in match[1].split("/"):
                parts = parts[:-1] if part == ".." else parts if part in ("", ".") else [*parts, part]
            folders.add("/".join(parts))
    return folders


def _folder(path: str) -> str:
    folder = path.rpartition("/")[0]
    return f"{folder}/" if folder else ""


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(not folder or path.startswith(f"{folder}/") for folder in folders)
