"""Questions that are asked while other things go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class BackgroundCall(Generic[T]):
    """A question that is asked in a thread of its own; one that nobody wants the answer of any more holds nothing up."""

    def __init__(self, ask: Callable[P, T], *args: P.args, **options: P.kwargs) -> None:
        self._answers: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(lambda: ask(*args, **options),), daemon=True)
        self._thread.start()

    def _run(self, ask: Callable[[], T]) -> None:
        try:
            self._answers.append(ask())
        except BaseException as error:
            self._errors.append(error)

    def result(self) -> T:
        """The answer, waited for; what went wrong is raised here."""
        self._thread.join()
        if self._errors:
            raise self._errors[0]
        return self._answers[0]
