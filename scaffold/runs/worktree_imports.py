"""A run in a worktree imports the worktree's code: what its environment needs for that, and a proof, or a refusal.

An editable install leads into the main tree, wherever the command runs. So the import roots that the repository's Python has there come
first on `PYTHONPATH`, in their places in the worktree; then it is asked, in the worktree, where it would load these modules from.
"""

from __future__ import annotations

import base64
import importlib.machinery
import json
import os
import subprocess  # noqa: TID251 - it asks the repository's own Python
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.facts.search_path import find_program
from scaffold.runs import recorder

PROBE_S = 60
MOST_MODULES = 500
SHOWN = 3
# where each module would be loaded from, by the folders and finders of the environment alone: the script's own folder is the worktree's
PROBE = """
import importlib.util, json, os, sys
if sys.path[:1] == [""]:
    del sys.path[0]
tops, names = json.loads(sys.argv[1])
urls = ['"file://%s%s' % (top, end) for top in tops for end in '"/']
found, installed = {}, []
for name in names:
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        continue
    places = [spec.origin] if spec and spec.has_location else list(spec.submodule_search_locations or []) if spec else []
    if places and places[0]:
        found[name] = os.path.realpath(places[0])
try:
    from importlib.metadata import distributions
    for each in distributions() if tops else ():
        text = each.read_text("direct_url.json") or ""
        if any(url in text for url in urls):
            installed += {str(file).split("/")[0].split(".")[0] for file in each.files or ()} & set(found)
except ImportError:
    pass
print(json.dumps({"found": found, "installed": installed}))
"""
SUFFIXES = tuple({*importlib.machinery.EXTENSION_SUFFIXES, ".so", ".pyd"})
NO_MODULES = frozenset({"setup", "conftest", "noxfile", "fabfile", "tasks"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryWorktrees:
    """The working tree that a run is repeated for, the worktree where that happens, and others of the same repository; all resolved."""

    main: Path
    worktree: Path
    others: tuple[Path, ...] = ()

    def find_tree(self, root: Path) -> Path | None:
        """The working tree that a folder lies in, so that it may hold the repository's modules; None for the worktree itself."""
        trees = [tree for tree in (self.worktree, self.main, *self.others) if root.is_relative_to(tree)]
        # what lies in an environment inside of the repository is no code of it
        inner = max(trees, key=lambda tree: len(tree.parts), default=self.worktree)
        return None if inner == self.worktree or "site-packages" in root.relative_to(inner).parts else inner


def find_repository_worktrees(top: Path, worktree: Path) -> RepositoryWorktrees:
    """The trees of the repository that `top` is one of, whose code runs in `worktree`. Raises ScaffoldError where git does not answer."""
    rows = git.run_git_checked(top, "worktree", "list", "--porcelain").text.splitlines()
    places = [Path(row.removeprefix("worktree ")).resolve() for row in rows if row.startswith("worktree ")]
    main, tree = top.resolve(), worktree.resolve()
    return RepositoryWorktrees(
        main=main, worktree=tree, others=tuple(place for place in places if place not in (main, tree))
    )


def command_in_worktree(trees: RepositoryWorktrees, argv: Sequence[str], cwd: Path) -> list[str]:
    """The command with its paths into the main tree led into the worktree. `cwd` is where it runs, in the worktree.

    An environment that lies in the main tree, and whose program the command names, is linked in: git does not hold it.
    """
    words = [word.replace(f"{trees.main}/", f"{trees.worktree}/") for word in argv]
    environment = Path(os.path.normpath(cwd / words[0])).parent.parent
    if "/" in words[0] and environment.is_relative_to(trees.worktree):
        original = trees.main / environment.relative_to(trees.worktree)
        is_one = any((original / mark).exists() for mark in ("pyvenv.cfg", "conda-meta"))
        if is_one and environment != trees.worktree and not os.path.lexists(environment):
            environment.parent.mkdir(parents=True, exist_ok=True)
            environment.symlink_to(original.resolve())
    return words


def worktree_variables(
    trees: RepositoryWorktrees, argv: Sequence[str], cwd: Path, prefix: Sequence[str], environments: Sequence[Path] = ()
) -> dict[str, str]:
    """The variables with which `argv`, behind the environment's `prefix`, runs the worktree's code in `cwd`, a folder of it.

    Without a prefix the first of `environments` that is there is entered first.
    Raises ScaffoldError where a module of the repository would be loaded from elsewhere, or that cannot be found out.
    """
    variables = _uv_variables(trees, cwd) if prefix[:1] == ["uv"] else {}
    python = _find_python(argv, cwd, prefix, environments)
    names = sorted(set(_module_names(trees.worktree)) | set(_module_names(trees.main)))[:MOST_MODULES]
    if python is None or not names:
        return variables
    main_cwd = trees.main / cwd.relative_to(trees.worktree) if cwd.is_relative_to(trees.worktree) else trees.main
    tops = (trees.main, *trees.others)
    own = _own_modules(trees, _ask(python, names, main_cwd if main_cwd.is_dir() else trees.main, variables, tops))
    _check_compiled(trees, own)
    roots = {name: root for name in own if (root := _root_in_worktree(trees, name, own[name]))}
    if not roots:
        return variables
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    variables["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([*map(str, roots.values()), *inherited]))
    _check_origins(trees, _ask(python, sorted(roots), cwd, variables).origins)
    return variables


def _uv_variables(trees: RepositoryWorktrees, cwd: Path) -> dict[str, str]:
    """`uv run` takes the project's environment as it is: in a worktree it would make another, and install the worktree into it."""
    folders = [
        trees.main / folder.relative_to(trees.worktree)
        for folder in (cwd, *cwd.parents)
        if folder.is_relative_to(trees.worktree)
    ]
    chosen = os.environ.get("UV_PROJECT_ENVIRONMENT", "")
    places = [folder / (chosen or ".venv") for folder in folders]
    environment = next((place for place in places if place.is_dir()), None)
    return {"UV_NO_SYNC": "1", **({"UV_PROJECT_ENVIRONMENT": str(environment)} if environment else {})}


def _find_python(
    argv: Sequence[str], cwd: Path, prefix: Sequence[str], environments: Sequence[Path]
) -> list[str] | None:
    """What starts the command's Python: the one that it names, else the environment's; None where there is none."""
    named = argv[0] if recorder.naming.program_name(argv[0]) in ("python", "pypy") else "python"
    named = os.path.normpath(cwd / named) if "/" in named else named
    if prefix:
        return [*prefix, named] if find_program(prefix[0], cwd=cwd) else None
    entered = (place / "bin" / named for place in environments) if "/" not in named else ()
    return next(([str(path)] for path in entered if path.is_file()), [named] if find_program(named, cwd=cwd) else None)


def _module_names(tree: Path) -> Iterable[str]:
    """The names under which the modules of a repository may be imported."""
    for folder in _module_folders(tree):
        for entry in sorted(folder.iterdir()):
            is_file = entry.name.endswith((".py", *SUFFIXES))
            name = entry.name.split(".")[0] if is_file else entry.name
            if name.isidentifier() and name not in NO_MODULES and (is_file or any(entry.glob("*.py"))):
                yield name


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleOrigins:
    """Where a Python would load modules from: module -> file or folder; and those that were installed from the main tree as copies."""

    origins: Mapping[str, str]
    installed: frozenset[str]


def _ask(
    python: Sequence[str], names: Sequence[str], cwd: Path, variables: Mapping[str, str], tops: Sequence[Path] = ()
) -> ModuleOrigins:
    """Where Python, started in `cwd` with `variables`, would load modules from, and which of them were installed as copies from `tops`.

    Raises ScaffoldError where it does not answer.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    # one line, since `conda run` takes no argument of more
    script = f"import base64;exec(base64.b64decode({base64.b64encode(PROBE.encode()).decode()!r}))"
    command = [*python, "-c", script, json.dumps([[str(top) for top in tops], list(names)])]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, cwd=cwd, env=environment, capture_output=True, text=True, timeout=PROBE_S
        )
        answer = json.loads(done.stdout.splitlines()[-1])
        return ModuleOrigins(origins=answer["found"], installed=frozenset(answer["installed"]))
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise ScaffoldError(
            f"{' '.join(python)} does not say where it loads modules from ({type(error).__name__}): it is not known which code would run",
            hint="enter the environment first and give --no-prefix, or install what is missing",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRoot:
    """A folder that modules are imported from: `path`, relative to the working tree that it lies in."""

    tree: Path
    path: Path


def _own_modules(trees: RepositoryWorktrees, loaded: ModuleOrigins) -> dict[str, ImportRoot]:
    """The modules that Python has from another working tree of the repository, and the import root there of each."""
    own = {}
    for name, place in loaded.origins.items():
        origin = Path(place)
        root = origin.parent.parent if origin.name.startswith("__init__.") else origin.parent
        if tree := trees.find_tree(root):
            own[name] = ImportRoot(tree=tree, path=root.relative_to(tree))
        elif name in loaded.installed:
            folders = (folder for folder in _module_folders(trees.main) if _has_module(folder, name))
            own[name] = ImportRoot(tree=trees.main, path=next(folders, trees.main).relative_to(trees.main))
    return own


def _root_in_worktree(trees: RepositoryWorktrees, name: str, root: ImportRoot) -> Path | None:
    """The import root of a module in the worktree, where `root` is that in another; None where the worktree has no such module."""
    folders = [trees.worktree / root.path, *_module_folders(trees.worktree)]
    return next((folder for folder in folders if _has_module(folder, name)), None)


def _has_module(root: Path, name: str) -> bool:
    return (root / f"{name}.py").is_file() or (root / name).is_dir()


def _module_folders(tree: Path) -> list[Path]:
    """Where the modules of a repository lie by custom: at its top, in `src`, in `src` of projects one folder down."""
    return [folder for folder in (tree, tree / "src", *sorted(tree.glob("*/src"))) if folder.is_dir()]


def _check_compiled(trees: RepositoryWorktrees, roots: Mapping[str, ImportRoot]) -> None:
    """Raise ScaffoldError where there are compiled modules that the worktree lacks: git does not hold them."""
    lacking = [
        path.relative_to(root.tree).as_posix()
        for name, root in roots.items()
        for path in sorted([*(root.tree / root.path).glob(f"{name}.*"), *(root.tree / root.path / name).rglob("*")])
        if path.name.endswith(SUFFIXES) and not (trees.worktree / path.relative_to(root.tree)).exists()
    ]
    if lacking:
        links = " ".join(f"--link {path}" for path in lacking[:SHOWN])
        raise ScaffoldError(
            f"{', '.join(lacking[:SHOWN])}: compiled, and not in git, so the run's code has none of its own",
            hint=f"where the sources have not changed since: {links}",
        )


def _check_origins(trees: RepositoryWorktrees, origins: Mapping[str, str]) -> None:
    """Raise ScaffoldError where a module of the worktree would be loaded from outside of it."""
    outside = {name: place for name, place in origins.items() if not Path(place).is_relative_to(trees.worktree)}
    if outside:
        some = ", ".join(f"{name} ({place})" for name, place in sorted(outside.items())[:SHOWN])
        raise ScaffoldError(
            f"the run would load other code than its own: {some}",
            hint="its install puts these modules before PYTHONPATH: install it in a way that only adds a path, or run it by hand in a "
            "checkout with an environment of its own",
        )
