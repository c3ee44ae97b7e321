"""The recorder's own source, as a module: names and manifests are computed by one piece of code wherever they are computed."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import scaffold

INSIDE = Path("template", "exp", "{{ experiment_root }}", "{{ role_dirs.scripts }}")


def source() -> Path:
    """The directory of `record_run.py` and the manifest's schema: in a checkout, else in the installed package."""
    package = Path(scaffold.__file__).parent
    for base in (package / "_template", package.parent):
        if (base / INSIDE / "record_run.py").is_file():
            return base / INSIDE
    raise FileNotFoundError(f"record_run.py is not in {package}")


@functools.cache
def module() -> ModuleType:
    """`record_run.py` as a module. No bytecode is written: its folder is the template."""
    spec = importlib.util.spec_from_file_location("scaffold_record_run", source() / "record_run.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(made)
    finally:
        sys.dont_write_bytecode = before
    return made
