"""What the recorder has to say of its own trouble."""

from __future__ import annotations

import os


def warn(message: str) -> None:
    """Tell the user on stderr of the recorder's own trouble; never fails."""
    try:
        os.write(2, f"recorder: {message}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass


class RecorderError(Exception):
    """The recorder cannot do its part; the command runs all the same."""
