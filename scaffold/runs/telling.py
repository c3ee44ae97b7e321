"""`telling.py FILE RECORDER ARGS...`: a workspace's recorder, run in this process, and in FILE the path of the mark that it leaves.

A script of its own, started by `start.command`: it knows nothing of the package, and nothing of the recorder but that the first
thing it puts into its place is `<metadata>/.live/<run>.json`.
"""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """Note renames into `.live` as they happen, whoever else of that name does the same; then be the recorder."""
    noted, sys.argv = sys.argv[1], sys.argv[2:]

    def see(event: str, about: tuple[object, ...]) -> None:
        if event == "os.rename" and os.fsencode(str(about[1])).split(b"/")[-2:-1] == [b".live"]:
            write(noted, os.fsencode(str(about[1])))

    sys.addaudithook(see)
    with io.open_code(sys.argv[0]) as file:
        source = file.read()
    exec(compile(source, sys.argv[0], "exec", dont_inherit=True), {"__name__": "__main__", "__file__": sys.argv[0]})


def write(path: str, line: bytes) -> None:
    """Append a line; that it cannot be written is no reason for a run to fail."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        return
    try:
        os.write(fd, line + b"\n")
    except OSError:
        pass
    finally:
        os.close(fd)


if __name__ == "__main__":
    main()
