"""The recorder's modules (`_record_run` of the template), found and loaded wherever this package lies.

What they know has no second source here.

`load_module("redaction")` gives one; `scaffold.runs.recorder` has them all by name, for whoever stands above.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import scaffold
from scaffold import scratch

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


class _Loader(SourceFileLoader):
    """Keeps bytecode in the user's cache directory: the modules' own folder is the template."""

    def get_code(self, fullname: str) -> CodeType | None:
        before = sys.pycache_prefix, sys.dont_write_bytecode
        cache = scratch.cache_path("bytecode")
        if cache is not None:
            sys.pycache_prefix = sys.pycache_prefix or str(cache)
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


def load_recorder_module(name: str) -> ModuleType:
    """One of the recorder's modules. Raises ModuleNotFoundError."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)  # before the one that looks into a package's folder, and would write there
    return importlib.import_module(f"{PACKAGE}.{name}")
