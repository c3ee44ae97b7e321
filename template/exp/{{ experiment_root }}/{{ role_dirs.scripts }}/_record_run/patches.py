"""The patch of uncommitted code, without secrets. Loaded only where there is such code."""

from __future__ import annotations

import os
import stat
from _bisect import bisect_left

from .files import LARGEST_TEXT_BYTES, file_size
from .git import MOST_UNTRACKED
from .messages import warn
from .redaction import redact, redact_environment, text_kind
from .secret_files import is_secret_file
from .secret_texts import find_interest, may_have_value
from .secret_tokens import compile_pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .git import Git, Status


LARGEST_PATCH_BYTES = 8 << 20
MOST_LINES_ABOVE = 80
OPENERS = (":", "|", ">", "-", "[", "]", "{", "(", '"""', "'''", "\\")


class Patch:
    """What is not committed, as a patch without secrets.

    `data` is None where there is nothing, or too much; `new` are the untracked files that it holds, `secretive` those that it may not
    hold as they are. `hides` says whether lines of tracked files are hidden in it, or were not looked at (over 1 MiB).
    """

    def __init__(self, data: bytes | None, new: Sequence[str], secretive: Sequence[str], *, hides: bool) -> None:
        self.data = data
        self.new = new
        self.secretive = secretive
        self.hides = hides


def make_patch(git: Git, status: Status, changed: Sequence[str], new: Sequence[str]) -> Patch:
    """The diff of `changed` against the commit, and of the text files among `new`."""
    changed = [p for p in changed if not is_secret_file(p, tracked=True)]
    fits = [p for p in changed if file_size(os.path.join(git.top, p)) <= LARGEST_TEXT_BYTES]
    left = [p for p in changed if p not in fits]
    if left:
        warn("left out of the patch, over 1 MiB: {}".format(", ".join(left[:5])))
    # before the first commit there is nothing to differ from
    diff = _diff(git, fits) if status.commit is not None else _join(git, fits)
    safe = redact_patch(diff, git.top)
    names = sorted(set(new))[:MOST_UNTRACKED]
    parts = {path: new_file_patch(git.top, path) for path in names if not is_secret_file(path)}
    safe_parts = {path: redact_patch(part, git.top) for path, part in parts.items() if part}
    patch = safe + b"".join(safe_parts.values())
    fits_whole = len(patch) <= LARGEST_PATCH_BYTES
    if not fits_whole:
        warn("the patch is over 8 MiB and is not saved")
    return Patch(
        patch if patch and fits_whole else None,
        [path for path, part in safe_parts.items() if fits_whole and part == parts[path]],
        [p for p in names if is_secret_file(p) or safe_parts.get(p, parts[p]) != parts[p]],
        hides=bool(left) or safe != diff,
    )


def _diff(git: Git, paths: Sequence[str]) -> bytes:
    """How tracked files differ from the commit."""
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
    return b"".join(
        git.output("--literal-pathspecs", "diff-index", *options, "HEAD", "--", *paths[i : i + 500])
        for i in range(0, len(paths), 500)
    )


def _join(git: Git, paths: Sequence[str]) -> bytes:
    return b"".join(new_file_patch(git.top, path) for path in sorted(paths))


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


def redact_patch(patch: bytes, top: str) -> bytes:
    """A patch without secrets, line for line; each file's part is read as what the file is, with the file below `top` around it.

    A first look tells which hunks need a closer one: in most patches none does.
    """
    text = os.fsdecode(patch)
    interest = find_interest(text)
    parts, at = [], 0
    for part in compile_pattern(r"(?m)^(?=diff --git )").split(text):
        first, last = bisect_left(interest, (at, 0)), bisect_left(interest, (at + len(part), 0))
        parts.append(_redact_part(part, top, [(start - at, end - at) for start, end in interest[first:last]]))
        at += len(part)
    return os.fsencode(redact_environment("".join(parts)))


def _redact_part(part: str, top: str, interest: Sequence[tuple[int, int]]) -> str:
    """One file's part: its lines as they were and as they are, each with the lines above that a secret may have begun on."""
    if "\nGIT binary patch\n" in part:
        return part  # packed: nobody reads a secret in it, and one changed letter spoils it
    head, *hunks = compile_pattern(r"(?m)^(?=@@ -\d)").split(part)
    kind = text_kind(head.partition("\n")[0].rstrip('"'))
    places = [start for start, end in interest if may_have_value(part, start, end, kind)]
    lines = [] if "\nnew file mode " in head else _read_lines(top, head)
    safe, at = [redact(head) if places and places[0] < len(head) else head], len(head)
    for hunk in hunks:
        above = _lines_above(lines, hunk, kind) if lines else []
        is_of_interest = bisect_left(places, at) < bisect_left(places, at + len(hunk))
        safe.append(_redact_hunk(hunk, kind, above) if above or is_of_interest else hunk)
        at += len(hunk)
    return "".join(safe)


def _read_lines(top: str, head: str) -> list[str]:
    """The lines of the file that a part is about, as it is now."""
    path = compile_pattern(r"(?m)^\+\+\+ b/(.*?)\t?$").search(head)
    try:
        with open(os.path.join(top, path.group(1) if path else ""), "rb") as file:
            return os.fsdecode(file.read(LARGEST_TEXT_BYTES)).split("\n")
    except OSError:
        return []


def _lines_above(lines: Sequence[str], hunk: str, kind: str) -> Sequence[str]:
    """Of the lines above a hunk those from the first on that may begin a secret of many lines: a key, a block, a list, a long string."""
    match = compile_pattern(r"@@ -[\d,]+ \+(\d+)").match(hunk)
    start = int(match.group(1)) - 1 if match else 0
    first = max(0, start - MOST_LINES_ABOVE)
    region = "\n".join(lines[first:start])
    for at, name_end in find_interest(region, below=True):
        end = region.find("\n", at)
        is_open = region[at : end if end >= 0 else None].rstrip().endswith(OPENERS)
        if is_open and may_have_value(region, at, name_end, kind):
            return lines[first + region.count("\n", 0, at) : start]
    return []


def _redact_hunk(hunk: str, kind: str, above: Sequence[str]) -> str:
    head, *rows = hunk.split("\n")
    safe = [redact(head), *rows]
    for other in "-+":
        side = [(i, row[1:]) for i, row in enumerate(rows, 1) if row[:1] in ("-", "+", " ") and row[:1] != other]
        new = redact("\n".join([*above, *(line for _, line in side)]), kind).split("\n")[len(above) :]
        for (i, line), without in zip(side, new):
            if without != line:
                safe[i] = rows[i - 1][0] + without
    return "\n".join(safe)
