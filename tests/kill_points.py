"""Ends a process before a chosen one of the things that it does to the outside, for programs that try every such point."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

# of an audit event (its name and arguments, as sys.addaudithook gives them): whether it is one of the points
IsEffect = Callable[[str, tuple[Any, ...]], bool]


def kill_at(point: int, is_effect: IsEffect) -> None:
    """End this process before its `point`-th effect, as `kill -9` would."""
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if is_effect(event, args):
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
