"""The recorder's own modules (`_record_run` of the template): names and manifests are computed by one piece of code wherever they are.

`recorder.naming`, `recorder.values` and the others are loaded when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from scaffold.recorder_modules import ENTRY as ENTRY
from scaffold.recorder_modules import PACKAGE as PACKAGE
from scaffold.recorder_modules import load_recorder_module
from scaffold.recorder_modules import recorder_source_directory as recorder_source_directory

if TYPE_CHECKING:
    from _record_run import attempt as attempt
    from _record_run import code_state as code_state
    from _record_run import command as command
    from _record_run import config_files as config_files
    from _record_run import configuration as configuration
    from _record_run import files as files
    from _record_run import full_disk as full_disk
    from _record_run import git as git
    from _record_run import inside as inside
    from _record_run import json_text as json_text
    from _record_run import lean_imports as lean_imports
    from _record_run import manifest as manifest
    from _record_run import messages as messages
    from _record_run import naming as naming
    from _record_run import patches as patches
    from _record_run import pin_chain as pin_chain
    from _record_run import pins as pins
    from _record_run import printed as printed
    from _record_run import printed_patterns as printed_patterns
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
    from _record_run import tracker_folders as tracker_folders
    from _record_run import trees as trees
    from _record_run import values as values
    from _record_run import workspace as workspace


def list_recorder_files(scripts: Path) -> Iterator[Path]:
    """The files of the recorder in a folder of scripts, relative to it: the entry and its modules (before 0.6.0 it was one file)."""
    yield Path(ENTRY)
    yield from (path.relative_to(scripts) for path in sorted((scripts / PACKAGE).glob("*.py")))


def read_recorder_sources(scripts: Path) -> dict[Path, bytes]:
    """What the recorder's files in a folder of scripts hold. Raises OSError."""
    return {path: (scripts / path).read_bytes() for path in list_recorder_files(scripts)}


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        module = load_recorder_module(name)
    except ModuleNotFoundError as error:
        raise AttributeError(f"the recorder has no module {name}") from error
    globals()[name] = module
    return module
