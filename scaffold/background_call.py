"""A function that runs in a thread while other things go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class BackgroundCall(Generic[T]):
    """A call of `function` in a thread of its own, begun at once.

    Not a thread pool of the standard library: at the end of a command that waits for its threads, and this one must not. A call whose
    result nobody takes any more holds nothing up.
    """

    def __init__(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> None:
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(lambda: function(*args, **options),), daemon=True)
        self._thread.start()

    def _run(self, function: Callable[[], T]) -> None:
        try:
            self._results.append(function())
        except BaseException as error:
            self._errors.append(error)

    def result(self) -> T:
        """What the function returned, waited for; what it raised is raised here."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._results[0]
