"""The only part that touches the disk: names from git (or a walk), text of the files that matter, each read once."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from scaffold import git
from scaffold.background_call import BackgroundCall
from scaffold.errors import ScaffoldError
from scaffold.facts import git_state, machine, paths
from scaffold.facts.model import Facts
from scaffold.workspace import resolve_workdir

MOST_FILES = 300_000
_UNTRACKED_TREES = paths.VENDORED | {"wandb", "mlruns", ".git"}


def collect_repository_facts(workdir: Path, *, history: bool = False, survey: git.GitSurvey | None = None) -> Facts:
    """The facts of the repository at `workdir`; only what lies below it speaks, whatever the repository's top is.

    `survey` are git's answers, where somebody asked for them before. Raises ScaffoldError when `workdir` is no directory that
    can be read, or lies where git keeps its own files.
    """
    workdir = resolve_workdir(workdir)
    survey = survey or git.GitSurvey(workdir)
    machine_call = BackgroundCall(machine.read_machine)
    place = survey.place.result()
    if not place.in_work_tree:
        raise ScaffoldError(
            f"{workdir} lies in a bare git repository, which has no files to read", hint="clone it, and name the clone"
        )
    if trouble := git.git_refusal_error(workdir, place):
        raise trouble
    top = place.toplevel
    files = (survey.tracked.result() or git.untracked_files(workdir)) if top else sorted(_walk(workdir))
    submodules = tuple(_submodules(workdir, top))
    notable = paths.without_template_files(paths.without_data_files(files))
    texts, unread = _texts(workdir, top or workdir, notable, submodules)
    return Facts(
        files=tuple(files),
        notable=tuple(notable),
        texts=texts,
        unread=unread,
        has_exp=(workdir / "exp").is_dir(),
        ask_git=lambda: git_state.read_git_state(survey, place.head, texts, submodules) if top else None,
        ask_machine=machine_call.result,
        history=_launches(workdir, notable) if history else None,
    )


def _launches(workdir: Path, files: Iterable[str]) -> tuple[str, ...]:
    from scaffold.facts import shell_history

    return tuple(shell_history.read_history_launches(workdir, files))


def _walk(workdir: Path) -> Iterator[str]:
    """What is there when git does not say, without hidden and installed folders and those that .gitignore names."""
    ignored = set(_UNTRACKED_TREES)
    try:
        rules = (workdir / ".gitignore").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        rules = []
    ignored |= {r.strip().strip("/") for r in rules if re.fullmatch(r"/?[\w.-]+/?", r.strip())}
    count = 0
    for folder, names, files in os.walk(workdir):
        names[:] = sorted(
            n for n in names if n not in ignored and (not n.startswith(".") or n in (".github", ".claude", ".cursor"))
        )
        base = Path(folder).relative_to(workdir).as_posix()
        for name in files:
            if name not in ignored:
                yield name if base == "." else f"{base}/{name}"
                count += 1
        if count > MOST_FILES:
            return


def _submodules(workdir: Path, top: Path | None) -> Iterator[str]:
    """The submodules that lie below `workdir`."""
    if top is None:
        return
    try:
        text = (top / ".gitmodules").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for submodule in re.findall(r"^[^\S\n]*path\s*=\s*(.+?)\s*$", text, re.MULTILINE):
        relative = os.path.relpath(top / submodule, workdir).replace(os.sep, "/")
        if not relative.startswith("../"):
            yield relative


def _texts(
    workdir: Path, top: Path, files: Iterable[str], submodules: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, str]]:
    by_kind: dict[str, list[str]] = {}
    vendored: dict[str, bool] = {}
    for path in files:
        kind = paths.classify_file(path)
        if kind is None:
            continue
        folder = path.rpartition("/")[0]
        if folder not in vendored:
            vendored[folder] = paths.is_vendored(folder)
        if not vendored[folder] and path not in submodules:
            by_kind.setdefault(kind, []).append(path)
    texts: dict[str, str] = {}
    unread: dict[str, str] = {}
    real_top, base = os.path.realpath(top), os.fspath(workdir)
    for kind, of_kind in by_kind.items():
        most, size = paths.LIMITS[kind]
        nearest = sorted(of_kind, key=lambda p: (p.count("/"), p))
        for path in nearest[:most]:
            text, why = _text(f"{base}/{path}", size, real_top)
            if text is None:
                unread[path] = why
            else:
                texts[path] = text
    return texts, unread


def _text(path: str, most: int, top: str) -> tuple[str | None, str]:
    """A file's text, or why there is none. Links are followed where they stay in the repository."""
    try:
        data = _bytes(path, most, top)
    except (OSError, ValueError) as error:
        return None, str(getattr(error, "strerror", None) or error)
    if data is None:
        return None, "a link that leaves the repository"
    if len(data) > most:
        return None, f"larger than {most} bytes"
    if b"\0" in data:
        return None, "binary"
    try:
        return data.decode("utf-8-sig" if data[:1] == b"\xef" else "utf-8"), ""
    except UnicodeDecodeError:
        return data.decode("latin-1"), ""


def _bytes(path: str, most: int, top: str) -> bytes | None:
    """What a file holds, at most one byte more than `most`; None for a link that leaves the repository.

    By the system's own calls: thousands of small files are read, and a file object for each takes twice as long.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        if not os.path.realpath(path).startswith(top + os.sep):
            return None
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        size = os.fstat(file).st_size
        data = os.read(file, min(size, most) + 1)
        while size < len(data) <= most and (more := os.read(file, most + 1 - len(data))):
            data += more  # it is longer than it says
        return data
    finally:
        os.close(file)
