"""The recorder's own modules (`_record_run` of the template): names and manifests are computed by one piece of code wherever they are.

`recorder.naming`, `recorder.values` and the others are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

import scaffold

if TYPE_CHECKING:
    from _record_run import attempt as attempt
    from _record_run import code_state as code_state
    from _record_run import command as command
    from _record_run import config_files as config_files
    from _record_run import configuration as configuration
    from _record_run import files as files
    from _record_run import full_disk as full_disk
    from _record_run import git as git
    from _record_run import json_text as json_text
    from _record_run import manifest as manifest
    from _record_run import messages as messages
    from _record_run import naming as naming
    from _record_run import patches as patches
    from _record_run import pin_chain as pin_chain
    from _record_run import pins as pins
    from _record_run import printed as printed
    from _record_run import processes as processes
    from _record_run import records_home as records_home
    from _record_run import redaction as redaction
    from _record_run import request as request
    from _record_run import secret_files as secret_files
    from _record_run import secret_names as secret_names
    from _record_run import secret_shapes as secret_shapes
    from _record_run import secret_texts as secret_texts
    from _record_run import secret_words as secret_words
    from _record_run import seed_source as seed_source
    from _record_run import submodules as submodules
    from _record_run import trees as trees
    from _record_run import values as values
    from _record_run import workspace as workspace

INSIDE = Path("template", "exp", "{{ experiment_root }}", "{{ role_dirs.scripts }}")
ENTRY = "record_run.py"
PACKAGE = "_record_run"


def recorder_source_directory() -> Path:
    """The directory of `record_run.py` and the manifest's schema: in a checkout, else in the installed package."""
    package = Path(scaffold.__file__).parent
    for base in (package / "_template", package.parent):
        if (base / INSIDE / ENTRY).is_file():
            return base / INSIDE
    raise FileNotFoundError(f"{ENTRY} is not in {package}")


def list_recorder_files(scripts: Path) -> Iterator[Path]:
    """The files of the recorder in a folder of scripts, relative to it: the entry and its modules (before 0.6.0 it was one file)."""
    yield Path(ENTRY)
    yield from (path.relative_to(scripts) for path in sorted((scripts / PACKAGE).glob("*.py")))


def read_recorder_files(scripts: Path) -> dict[Path, bytes]:
    """What the recorder's files in a folder of scripts hold. Raises OSError."""
    return {path: (scripts / path).read_bytes() for path in list_recorder_files(scripts)}


class _Loader(SourceFileLoader):
    """Keeps bytecode in the user's cache directory: the modules' own folder is the template."""

    def get_code(self, fullname: str) -> CodeType | None:
        before = sys.pycache_prefix, sys.dont_write_bytecode
        cache = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
        if cache and cache.startswith("/"):
            sys.pycache_prefix = sys.pycache_prefix or f"{cache}/experiment-scaffold/bytecode"
        else:
            sys.dont_write_bytecode = True
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix, sys.dont_write_bytecode = before


class _Finder:
    """Finds the recorder's modules, and no others."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, module = name.partition(".")
        if package != PACKAGE:
            return None
        folder = recorder_source_directory() / PACKAGE
        file = folder / f"{module or '__init__'}.py"
        return spec_from_file_location(
            name, file, loader=_Loader(name, str(file)), submodule_search_locations=None if module else [str(folder)]
        )


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_"):
        raise AttributeError(name)
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)  # before the one that looks into a package's folder, and would write there
    try:
        module = importlib.import_module(f"{PACKAGE}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(f"the recorder has no module {name}") from error
    globals()[name] = module
    return module
