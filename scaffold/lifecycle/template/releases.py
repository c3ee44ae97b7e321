"""The versions of the template: the one that this package is, and every earlier one, from the bundle that the package ships.

A version is a directory with `copier.yml` and `template/`. The current one lies beside the package (in a checkout) or
inside it (installed); the others are tags of `template.bundle`, a complete git repository in one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import __version__
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.lifecycle.template.checkout import checkout_template_version
from scaffold.scratch import scratch_directory

if TYPE_CHECKING:
    from packaging.version import Version

PACKAGE = Path(__file__).parents[2]
BUNDLE = PACKAGE / "template.bundle"
CURRENT = f"v{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVersion:
    """One version of the template as a directory; `version` and `source` are what an answers file records of it.

    `fingerprint` stands for its content, where that is this package's and so known without a look at another repository.
    """

    path: Path
    version: str
    source: str
    fingerprint: str | None = None


def format_bundle_path() -> str:
    """The bundle's path as an answers file records it: from `~` on where it lies below the home directory."""
    try:
        return f"~/{BUNDLE.resolve().relative_to(Path.home().resolve()).as_posix()}"
    except (ValueError, RuntimeError):
        return str(BUNDLE.resolve())


def list_template_versions() -> list[str]:
    """Every released version, this package's own and those in its bundle, oldest first, as tags (`v0.1.0`)."""
    return sorted({CURRENT, *_bundled_commits()}, key=_sort_key)


def newest_template_version() -> str:
    """The newest released version."""
    return list_template_versions()[-1]


def has_template_version(version: str) -> bool:
    """Whether this package has `version`; its own is known without a look into the bundle."""
    return version == CURRENT or version in _bundled_commits()


def fingerprint_template_version(version: str) -> str | None:
    """What stands for the content of a released version, None where there is none of that name: of an earlier one its commit, of
    this package's own a hash of its files, since in a checkout they change while the version stays."""
    if version != CURRENT:
        return _bundled_commits().get(version)
    folder, digest = _current_folder(), hashlib.sha256()
    for path in [folder / "copier.yml", *sorted((folder / "template").rglob("*"))]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _bundled_commits() -> dict[str, str]:
    """tag -> commit of each version in the bundle, as its first lines have them (gitformat-bundle); git would take 5 ms for it."""
    try:
        with BUNDLE.open("rb") as file:
            head = b"".join(takewhile(lambda line: line != b"\n", file))
    except OSError as error:
        raise ScaffoldError(f"the package's own {BUNDLE.name} cannot be read: {error.strerror}") from error
    rows = (line.partition(" refs/tags/") for line in head.decode("utf-8", "replace").splitlines())
    return {tag: commit for commit, _, tag in rows if tag}


def is_newer_version(version: str, than: str) -> bool:
    """Whether `version` comes after `than`; names that are no release numbers can only differ."""
    if version == than:
        return False
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version.removeprefix("v")) > Version(than.removeprefix("v"))
    except InvalidVersion:
        return version != than


def _sort_key(tag: str) -> Version:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(tag.removeprefix("v"))
    except InvalidVersion:
        return Version("0")


def _current_folder() -> Path:
    """Where this package's own version lies: above the package in a checkout, in it where it is installed."""
    checkout = PACKAGE.parent
    return checkout if (checkout / "copier.yml").is_file() else PACKAGE / "_template"


@contextlib.contextmanager
def open_current_template() -> Iterator[TemplateVersion]:
    """This package's own version of the template, as it lies beside or inside the package."""
    source = _current_folder()
    if source != PACKAGE.parent:
        yield _as_template_version(source, CURRENT)
        return
    # Copier takes the top of a repository for a repository, and renders its newest tag instead of what lies there.
    with scratch_directory() as folder:
        try:
            shutil.copy2(source / "copier.yml", folder)
            shutil.copytree(source / "template", folder / "template", ignore=shutil.ignore_patterns("__pycache__"))
        except OSError as error:
            raise ScaffoldError(
                f"the template cannot be copied to {folder}", hint="make room there, or set TMPDIR"
            ) from error
        yield _as_template_version(folder, CURRENT)


@contextlib.contextmanager
def open_released_template(version: str) -> Iterator[TemplateVersion]:
    """A released version, this package's own or an earlier one. Raises ScaffoldError when there is none of that name."""
    if version == CURRENT:
        with open_current_template() as template:
            yield template
        return
    if not has_template_version(version):
        raise ScaffoldError(
            f"there is no template version {version}", hint=f"released are: {', '.join(list_template_versions())}"
        )
    with _open_checkout(str(BUNDLE), version) as (path, name):
        yield _as_template_version(path, name)


def _as_template_version(path: Path, version: str) -> TemplateVersion:
    return TemplateVersion(
        path=path, version=version, source=format_bundle_path(), fingerprint=fingerprint_template_version(version)
    )


@contextlib.contextmanager
def open_external_template(source: str, version: str | None = None) -> Iterator[TemplateVersion]:
    """The template of a checkout, a bundle or a Git URL, at `version` (default: its newest tag, else its HEAD).

    Raises ScaffoldError when it cannot be had, does not know the version, or holds no such template.
    """
    if re.match(r"https?://[^/]*@", source):
        raise WrongUsage(
            "the template's URL carries a user or password, and it would be kept in git",
            hint="leave it out, and let git's credential helper answer",
        )
    try:
        path = Path(source).expanduser()
        is_local = path.exists()
    except (RuntimeError, OSError):  # `~` of somebody who has no home here, a name that is too long
        path, is_local = Path(source), False
    address = str(path.absolute()) if is_local else source
    with _open_checkout(address, version) as (folder, name):
        yield TemplateVersion(path=folder, version=name, source=source if source.startswith("~") else address)


@contextlib.contextmanager
def _open_checkout(source: str, version: str | None) -> Iterator[tuple[Path, str]]:
    """The files of `source` at `version` (default: newest) in a temporary directory, and the version's name."""
    with scratch_directory() as folder:
        tree = folder / "tree"
        described = checkout_template_version(source, version, tree)
        if not (tree / "copier.yml").is_file() or not (tree / "template" / "exp").is_dir():
            raise ScaffoldError(
                f"{source} at {described} is not an experiment-workspace template: it has no template/exp",
                hint="name a checkout, a bundle or a Git URL of one with --template",
            )
        yield tree, version or described
