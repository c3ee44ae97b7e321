"""The exceptions for everything the user can do something about."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any

import click


class ScaffoldError(click.ClickException):
    """Something the user can mend: shown as a message with the next step, never as a traceback.

    `message` names the thing and the reason; `hint` says what to do next. Exit code 1, "could not".
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"

    def show(self, file: IO[Any] | None = None) -> None:
        """Write `error: ...` and `hint: ...` to stderr."""
        out = sys.stderr if file is None else file
        out.write(f"error: {self}\n")


class WrongUsage(ScaffoldError):
    """An option's value that can never work, whatever the repository. Exit code 2, "wrong usage"."""

    exit_code = 2


class NegativeAnswer(ScaffoldError):
    """What was asked has the answer no, with nothing to show for it: a sentence on stderr, which is no error. Exit code 3."""

    exit_code = 3

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the sentence and `hint: ...` to stderr."""
        out = sys.stderr if file is None else file
        out.write(f"{self}\n")


class UnknownTemplateVersion(ScaffoldError):
    """A template source that can be read does not have the version that was asked of it."""


def suggest_spelling(word: str, candidates: Iterable[str], otherwise: str, *, quote: str = "") -> str:
    """A hint: `did you mean ...?` with the candidate that `word` is a misspelling of, else `otherwise`."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(candidates), n=1)
    return f"did you mean {quote}{near[0]}{quote}?" if near else otherwise
