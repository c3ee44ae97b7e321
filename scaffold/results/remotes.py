"""The remote of a run's manifest -> an address that anybody may see and use."""

from __future__ import annotations

import re


def address(remote: str) -> str:
    """A remote's URL without passwords, and without a user where none is needed; `ssh://git@host/x` keeps its user.

    The recorder has put `***` for what it took for a secret already.
    """
    # up to the last `@`: a password may hold one
    if remote.startswith(("https://", "http://")):
        return re.sub(r"^(https?://)[^/]*@", r"\1", remote)
    return re.sub(r"^([\w+.-]+://)(?:[^/:]*:[^/]*|\*+)@", r"\1", remote)
