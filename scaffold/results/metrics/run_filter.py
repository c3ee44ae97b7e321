"""`lr<0.01 and status=finished` -> a condition on runs. A small language of its own: nothing of it is ever executed.

    expression := term ("or" term)*        term := factor ("and" factor)*        factor := "not" factor | "(" expression ")" | test
    test := name ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~") value | name "in" "(" value ("," value)* ")"

A comma or nothing between tests is `and` too (`lr=0.1 depth=2`), where the text has no `or` and no `not` and no name is given two values.
`~` takes a pattern with `*` and `?`. Numbers compare as numbers, all else as text. What a run lacks is unequal to everything
and on no side of `<`; `name = null` holds where it is missing.
"""

from __future__ import annotations

import difflib
import fnmatch
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from scaffold.errors import WrongUsage
from scaffold.results.metrics import configurations
from scaffold.runs.model import Run, Scalar

Test = Callable[[Run], bool]
FIELDS: dict[str, Callable[[Run], Scalar]] = {
    "name": lambda run: run.name,
    "attempt": lambda run: run.attempt,
    "experiment": lambda run: run.experiment,
    "status": lambda run: run.status,
    "seed": lambda run: run.seed,
    "task": lambda run: run.task,
    "sweep": lambda run: run.sweep,
    "commit": lambda run: run.commit,
    "code": lambda run: run.code,
    "dirty": lambda run: run.dirty,
    "started": lambda run: run.started_at,
    "duration": lambda run: run.duration_s,
    "host": lambda run: run.hostname,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOKEN = re.compile(r"""\s*(?:(?P<text>'[^']*'|"[^"]*")|(?P<sign><=|>=|==|!=|[<>=~(),])|(?P<word>[^\s<>=!~(),'"]+))""")
_TEXTS = re.compile(r"""'[^']*'|"[^"]*\"""")
# words of their own: `experiment=do-not-use` has none
_OR_NOT = re.compile(r"""(?<![^\s(),])(?:or|not)(?![^\s(),])""", re.IGNORECASE)
_NAMED = re.compile(r"""\s*(?P<name>[^\s<>=!~(),'"]+)\s*(?P<sign><=|>=|==|!=|[<>=~]|in\s*\()""", re.IGNORECASE)
_DEEPEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a run must be like; `names` are the parameters that it asks for."""

    text: str
    admits: Test
    names: frozenset[str]

    def check(self, runs: Iterable[Run]) -> None:
        """Refuse a name that no run has: it would select nothing, or everything. Raises WrongUsage."""
        everything = list(runs)
        params = {name for run in everything for name in run.params}
        for name in sorted(self.names - params) if everything else ():
            if any(name in run.metrics for run in everything):
                raise WrongUsage(
                    f"`{name}` in {self.text!r} is a metric, and runs that are chosen by their outcome make every mean a lie",
                    hint="choose by parameters, experiment, sweep, seed, status",
                )
            near = difflib.get_close_matches(name, sorted(params | FIELDS.keys()), n=1)
            known = ", ".join(sorted(params)[:10]) or "none"
            raise WrongUsage(
                f"no run has a parameter `{name}`, which {self.text!r} asks for",
                hint=f"did you mean `{near[0]}`?" if near else f"parameters are {known}; also {', '.join(FIELDS)}",
            )


def condition(text: str) -> Condition:
    """Parse. Raises WrongUsage with the place where it is not understood."""
    parser = _Parser(text)
    test = parser.expression(0)
    if parser.token:
        parser.fail("`and` or `or`")
    return Condition(text=text, admits=test, names=frozenset(parser.names))


def looks_like(text: str) -> bool:
    """Whether a text is rather a condition than a name."""
    return bool(re.search(r"[<>=~]|\sin\s*\(", text))


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.position, self.names = text, 0, set[str]()
        self.valued = set[str]()  # names that were held against one value
        self.token, self.kind = "", ""
        self.next()

    def next(self) -> str:
        """Go one token on; the one that is left."""
        before = self.token
        rest = self.text[self.position :]
        match = _TOKEN.match(rest)
        if match is None or match.lastgroup is None:
            self.token, self.kind = "", ""
            if rest.strip():
                self.token = rest.strip()[0]
                self.fail("a name, a value or a sign")
            return before
        self.position += match.end()
        self.token, self.kind = match[match.lastgroup], match.lastgroup
        return before

    def fail(self, wanted: str) -> NoReturn:
        found = f"`{self.token}`" if self.token else "its end"
        raise WrongUsage(
            f"{self.text!r} is not understood at {found}: {wanted} is expected there",
            hint="for example 'lr<0.01 and (status=finished or seed in (1, 2))'",
        )

    def is_word(self, word: str) -> bool:
        return self.kind == "word" and self.token.lower() == word

    def expression(self, depth: int) -> Test:
        if depth > _DEEPEST:
            raise WrongUsage(f"{self.text[:60]!r}... is nested deeper than {_DEEPEST}")
        tests = [self.term(depth)]
        while self.is_word("or"):
            self.next()
            tests.append(self.term(depth))
        return tests[0] if len(tests) == 1 else lambda run: any(test(run) for test in tests)

    def term(self, depth: int) -> Test:
        tests = [self.factor(depth)]
        while self.is_word("and") or self.goes_on():
            if self.token == "," or self.is_word("and"):
                self.next()
            tests.append(self.factor(depth))
        return tests[0] if len(tests) == 1 else lambda run: all(test(run) for test in tests)

    def goes_on(self) -> bool:
        """Whether another test follows without `and`: after a comma or at once, where that can mean one thing only."""
        if not (self.kind == "word" and not self.is_word("or")) and not (self.kind == "sign" and self.token == ","):
            return False
        if _OR_NOT.search(_TEXTS.sub("", self.text)):
            self.fail("`and` or `or`")
        rest = self.text[self.position :] if self.token == "," else self.token + self.text[self.position :]
        following = _NAMED.match(rest)
        if following is None or (following["sign"] in ("=", "==") and following["name"] in self.valued):
            self.fail("`and`, `or` or another test such as `lr=0.1` (of several values: `lr in (1, 2)`)")
        return True

    def factor(self, depth: int) -> Test:
        negated = False
        while self.is_word("not"):
            self.next()
            negated = not negated
        if self.kind == "sign" and self.token == "(":
            self.next()
            test = self.expression(depth + 1)
            self.sign(")")
        else:
            test = self.comparison()
        return (lambda run: not test(run)) if negated else test

    def sign(self, wanted: str) -> None:
        if self.kind != "sign" or self.token != wanted:
            self.fail(f"`{wanted}`")
        self.next()

    def comparison(self) -> Test:
        if self.kind != "word":
            self.fail("a name")
        name = self.next()
        get = self.getter(name)
        if self.is_word("in"):
            self.next()
            return self.one_of(get)
        if self.kind != "sign" or self.token in "(),":
            self.fail("a sign such as `=` or `<`")
        sign = self.next()
        value = self.value()
        self.valued |= {name} if sign in ("=", "==") else set()
        if sign in _ORDERS:
            return _ordered(get, _ORDERS[sign], value)
        if sign == "~":
            return lambda run: (
                (found := get(run)) is not None and fnmatch.fnmatchcase(configurations.format_value(found), str(value))
            )
        wanted = configurations.format_value(value)
        equal = sign != "!="
        return lambda run: (configurations.format_value(get(run)) == wanted) is equal

    def one_of(self, get: Callable[[Run], Scalar]) -> Test:
        self.sign("(")
        values = {configurations.format_value(self.value())}
        while self.kind == "sign" and self.token == ",":
            self.next()
            values.add(configurations.format_value(self.value()))
        self.sign(")")
        return lambda run: configurations.format_value(get(run)) in values

    def value(self) -> Scalar:
        if self.kind == "text":
            return self.next()[1:-1]
        if self.kind != "word":
            self.fail("a value")
        return configurations.normalize_value(self.next())

    def getter(self, name: str) -> Callable[[Run], Scalar]:
        if name in FIELDS:
            return FIELDS[name]
        key = name.removeprefix("params.").replace("-", "_")
        self.names.add(key)
        return lambda run: run.params.get(key)


def _ordered(get: Callable[[Run], Scalar], order: Callable[[Any, Any], bool], value: Scalar) -> Test:
    wanted = configurations.normalize_value(value)

    def holds(run: Run) -> bool:
        found = configurations.normalize_value(get(run))
        if _is_number(found) and _is_number(wanted):
            return order(found, wanted)
        return isinstance(found, str) and isinstance(wanted, str) and order(found, wanted)

    return holds


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
