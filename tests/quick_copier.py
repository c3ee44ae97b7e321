"""Copier without what it does over and over in a session of tests: for each content everything is done once, by itself.

It is a function of a template's files and of answers. What it has made of them is put where it is asked for the next time, and all
of ours that comes before and after runs as ever: a change of the template or of an answer is another content.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import copier
import pytest
from copier import _template, _vcs
from copier._main import Worker
from jinja2 import Environment

# path -> permissions and content
Tree = Mapping[str, tuple[int, bytes]]


def read_tree(folder: Path) -> Tree:
    """The files below a folder."""
    paths = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return {path.relative_to(folder).as_posix(): (path.stat().st_mode, path.read_bytes()) for path in sorted(paths)}


def write_tree(folder: Path, tree: Tree) -> None:
    """Write files below a folder."""
    for parent in {Path(path).parent for path in tree}:
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for path, (mode, data) in tree.items():
        (folder / path).write_bytes(data)
        (folder / path).chmod(mode)


def content_key(folder: Path) -> bytes:
    """What stands for the files below a folder."""
    digest = hashlib.sha256()
    for path, (mode, data) in read_tree(folder).items():
        digest.update(f"{path}\0{mode}\0{len(data)}\0".encode() + data)
    return digest.digest()


def render_each_content_once(patch: pytest.MonkeyPatch) -> None:
    """`copier.run_copy` of a plain folder into an empty one; what fails is tried again each time."""
    render = copier.run_copy
    rendered: dict[tuple[object, ...], Tree] = {}

    def run_copy(source: str, target: str, data: Mapping[str, Any], **options: Any) -> None:
        assert not (Path(source) / ".git").exists() and not any(Path(target).iterdir())
        key = content_key(Path(source)), repr(sorted(data.items())), repr(sorted(options.items()))
        if key in rendered:
            write_tree(Path(target), rendered[key])
        else:
            render(source, target, dict(data), **options)
            rendered[key] = read_tree(Path(target))

    patch.setattr(copier, "run_copy", run_copy)


def read_each_config_once(patch: pytest.MonkeyPatch) -> None:
    """A template's `copier.yml`, which no other file is included in."""
    load = _template.load_template_config
    loaded: dict[bytes, dict[str, Any]] = {}

    def load_template_config(path: Path, quiet: bool = False) -> dict[str, Any]:
        data = path.read_bytes()
        if b"!include" in data:
            return load(path, quiet)
        if data not in loaded:
            loaded[data] = load(path, quiet)
        return copy.deepcopy(loaded[data])

    patch.setattr(_template, "load_template_config", load_template_config)


def compile_each_text_once(patch: pytest.MonkeyPatch) -> None:
    """Jinja's compiling of the same texts."""
    compiled: dict[tuple[object, ...], CodeType] = {}
    compile_anew = Environment.compile

    def compile(self: Environment, source: str, name: str | None = None, filename: str | None = None) -> CodeType:
        key = self.lexer, source, name
        if key in compiled:
            self.preprocess(source, name, filename)  # Copier's own extension forgets the last path here
        else:
            compiled[key] = compile_anew(self, source, name, filename)
        return compiled[key]

    patch.setattr(Environment, "compile", compile)


def ask_git_about_repositories_only(patch: pytest.MonkeyPatch) -> None:
    """Git has nothing to say about a folder that is no repository, and Copier asks once for each file; nor is a folder a bundle."""
    ask_git, is_bundle = Worker._sync_git_index_executable_bit, _vcs.is_git_bundle

    def sync(self: Worker, *args: Any) -> None:
        if (self.subproject.local_abspath / ".git").exists():
            ask_git(self, *args)

    patch.setattr(Worker, "_sync_git_index_executable_bit", sync)
    patch.setattr(_vcs, "is_git_bundle", lambda path: not path.is_dir() and is_bundle(path))


def look_up_answers_once(patch: pytest.MonkeyPatch) -> None:
    """What templates are rendered with, which Copier puts together anew for each part of each path: no answer changes meanwhile."""
    render, make_context, find_answers_file = Worker._render_template, Worker._render_context, Worker.answers_relpath
    contexts: dict[int, tuple[dict[str, Any], Path]] = {}

    def render_template(self: Worker) -> None:
        answers_file = self.answers_relpath
        contexts[id(self)] = dict(self._render_context()), answers_file
        try:
            render(self)
        finally:
            del contexts[id(self)]

    def render_context(self: Worker) -> Any:
        return dict(contexts[id(self)][0]) if id(self) in contexts else make_context(self)

    def answers_relpath(self: Worker) -> Path:
        return contexts[id(self)][1] if id(self) in contexts else find_answers_file.fget(self)  # type: ignore[attr-defined]

    patch.setattr(Worker, "_render_template", render_template)
    patch.setattr(Worker, "_render_context", render_context)
    patch.setattr(Worker, "answers_relpath", property(answers_relpath))
