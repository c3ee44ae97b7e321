"""A run's file -> a copy that holds no secret: hidden in logs; outputs that hold one, and key files, are not copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from scaffold import path_containment
from scaffold.runs import recorder, records_home

# files are searched a piece at a time, each with the end of the one before: a token may lie across the cut
PIECE_BYTES, OVERLAP_BYTES = 1 << 20, 1 << 14


def copy_file_without_secrets(workdir: Path, path: str, target: Path, kind: str) -> str | None:
    """Copy one file below `workdir` (`kind`: record, log or output); why it was not copied, where it was not.

    Records are copied as they are: the recorder took the secrets out when it wrote them. Raises OSError.
    """
    try:
        source = path_containment.join_contained_path(workdir, path)
        if kind == "record":
            source = records_home.locate_record(source)
    except path_containment.OutsidePathError:
        return "leads out of the work directory"
    if ".." in Path(path).parts or Path(path).is_absolute():
        return "leads out of the work directory"
    if not source.is_file():
        return "missing"
    if recorder.secret_files.is_secret_file(source.name):
        return "its name says that it holds secrets"
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "log":
        _copy_redacted(source, target)
    elif kind == "output" and _has_secret(source):
        return "it holds what looks like a secret"
    else:
        shutil.copyfile(source, target)
    return None


def _copy_redacted(source: Path, target: Path) -> None:
    """A log line by line, its secrets hidden; of a private key the lines between its first and its last too."""
    redact = recorder.redaction.redact
    inside_key = False
    with source.open("rb") as log, target.open("wb") as out:
        for line in log:
            if inside_key:
                inside_key = b"-----END" not in line
                continue
            inside_key = b"-----BEGIN" in line and b"PRIVATE KEY-----" in line and b"-----END" not in line
            text, end, _ = line.decode("utf-8", "surrogateescape").partition("\n")
            out.write(f"{redact(text)}{end}".encode("utf-8", "surrogateescape"))


def _has_secret(source: Path) -> bool:
    """Whether a file holds, as plain text, a token of a known shape, a private key or a secret of this environment."""
    secrets = recorder.redaction.environment_secrets()
    rest = ""
    with source.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            # one letter a byte: what is looked for is ASCII, and the rest need not be text
            text = rest + piece.decode("latin-1")
            if any(secret.encode("utf-8", "surrogateescape").decode("latin-1") in text for secret in secrets):
                return True
            if recorder.secret_shapes.holds_shape(text):
                return True
            rest = text[-OVERLAP_BYTES:]
    return False
