"""What the recorder has to say of its own trouble."""

from __future__ import annotations

import os


def printable(text: str) -> str:
    """Text as one line of a terminal: what that would obey is written out, as JSON has it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\\u%04x" % ord(c) for c in text)


def warn(message: str) -> None:
    """Tell the user on stderr of the recorder's own trouble; never fails."""
    try:
        os.write(2, f"recorder: {printable(message)}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass


class RecorderError(Exception):
    """The recorder cannot do its part; the command runs all the same."""
