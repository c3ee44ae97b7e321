"""The patch of uncommitted code, without secrets. Loaded only where there is such code."""

from __future__ import annotations

import os
import stat

from .files import LARGEST_TEXT_BYTES, file_size, text_kind
from .git import MOST_UNTRACKED
from .messages import warn
from .redaction import compile_pattern, redact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .git import Git, Status


LARGEST_PATCH_BYTES = 8 << 20


def make_patch(git: Git, status: Status, changed: Sequence[str], new: Sequence[str]) -> bytes | None:
    """The diff of `changed` against the commit, and of the text files among `new`, without secrets; None where there is none."""
    fits = [p for p in changed if not is_dotenv(p) and file_size(os.path.join(git.top, p)) <= LARGEST_TEXT_BYTES]
    left = [p for p in changed if p not in fits and not is_dotenv(p)]
    if left:
        warn("left out of the patch, over 1 MiB: {}".format(", ".join(left[:5])))
    if status.commit is None:
        new, fits = [*fits, *new], []
    parts = []
    for i in range(0, len(fits), 500):
        options = [
            "-p",
            "--binary",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        ]
        parts.append(git.output("--literal-pathspecs", "diff-index", *options, "HEAD", "--", *fits[i : i + 500]))
    parts += [new_file_patch(git.top, p) for p in sorted(set(new))[:MOST_UNTRACKED] if not is_dotenv(p)]
    patch = b"".join(parts)
    if len(patch) > LARGEST_PATCH_BYTES:
        warn("the patch is over 8 MiB and is not saved")
        return None
    return redact_patch(patch) if patch else None


def is_dotenv(path: str) -> bool:
    """Whether a file is one of those that hold secrets by custom: `.env`, `.env.local`, `prod.env`."""
    name = os.path.basename(path)
    return name == ".env" or name.startswith(".env.") or name.endswith(".env")


def new_file_patch(top: str, path: str) -> bytes:
    """A git patch that makes an untracked text file; empty for one that is binary, big or gone."""
    full = os.path.join(top, path)
    try:
        info = os.lstat(full)
        if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST_TEXT_BYTES:
            return b""
        with open(full, "rb") as file:
            content = file.read()
        content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return b""
    if b"\0" in content:
        return b""
    mode = b"100755" if info.st_mode & 0o100 else b"100644"
    name = os.fsencode(path)
    old, quoted = b'"a/%s"' if _is_odd(path) else b"a/%s", b'"b/%s"' if _is_odd(path) else b"b/%s"
    if _is_odd(path):
        name = b"".join(b"\\%03o" % c if c < 32 or c in b'"\\' else bytes([c]) for c in name)
    head = b"diff --git " + old % name + b" " + quoted % name + b"\nnew file mode " + mode + b"\n"
    if not content:
        return head + b"index 0000000..e69de29\n"
    lines = content.split(b"\n")
    last = b"" if lines[-1] == b"" else b"\\ No newline at end of file\n"
    lines = lines[:-1] if lines[-1] == b"" else lines
    size = b"@@ -0,0 +1,%d @@\n" % len(lines) if len(lines) != 1 else b"@@ -0,0 +1 @@\n"
    return (
        head
        + b"--- /dev/null\n+++ "
        + quoted % name
        + b"\n"
        + size
        + b"".join(b"+" + line + b"\n" for line in lines)
        + last
    )


def _is_odd(path: str) -> bool:
    return any(c < " " or c in '"\\' for c in path)


def redact_patch(patch: bytes) -> bytes:
    """A patch without secrets; each file's part is read as what the file is."""
    text = os.fsdecode(patch)
    parts = compile_pattern(r"(?m)^(?=diff --git )").split(text)
    return os.fsencode("".join(redact(part, text_kind(part.partition("\n")[0].rstrip('"'))) for part in parts))
