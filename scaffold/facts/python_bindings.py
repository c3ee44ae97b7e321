"""Names in one module -> the texts that they may stand for, as far as those are written out; and f-strings of them, spelled out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

# with more texts a name stands for anything
MOST_TEXTS = 6


class NameBindings:
    """What names are bound to: `MODE = "val"`, `for split in ("train", "val")`, `if k in metric_names`, defaults and keywords."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str, None]] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        self._members: list[tuple[str, str]] = []

    def add_assignment(self, targets: Iterable[ast.expr], value: ast.expr) -> None:
        """`NAME = "text"`, `NAME = ["a", "b"]`."""
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        text, texts = _text(value), _texts(value)
        for name in names:
            if text is not None:
                self._bind(name, (text,))
            elif texts:
                self._lists[name] = (*self._lists.get(name, ()), *texts)

    def add_member(self, name: ast.expr, collection: ast.expr) -> None:
        """`for NAME in COLLECTION`, `NAME in COLLECTION`."""
        if isinstance(name, ast.Name):
            self._bind(name.id, _texts(collection))
            if isinstance(collection, ast.Name):
                self._members.append((name.id, collection.id))

    def add_value(self, name: str, value: ast.expr) -> None:
        """A default or a keyword of a function."""
        if (text := _text(value)) is not None:
            self._bind(name, (text,))

    def spell_out(self, node: ast.expr) -> tuple[str, ...]:
        """The texts that a name, or an f-string with one name in it, may stand for; none where that is not known, or too many."""
        if isinstance(node, ast.Name):
            return self._known_texts(node.id)
        if not isinstance(node, ast.JoinedStr):
            return ()
        holes = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        if len(holes) != 1 or not isinstance(holes[0].value, ast.Name):
            return ()
        before, after = _constant_parts(node.values, holes[0])
        return tuple(f"{before}{text}{after}" for text in self._known_texts(holes[0].value.id))

    def _bind(self, name: str, texts: Iterable[str]) -> None:
        self._texts.setdefault(name, {}).update(dict.fromkeys(texts))

    def _known_texts(self, name: str) -> tuple[str, ...]:
        texts = dict(self._texts.get(name, {}))
        for member, collection in self._members:
            if member == name:
                texts.update(dict.fromkeys(self._lists.get(collection, ())))
        return tuple(texts) if len(texts) <= MOST_TEXTS else ()


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _texts(node: ast.expr) -> tuple[str, ...]:
    """The texts of a list that is written out; none where one of them is something else."""
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return ()
    texts = [_text(element) for element in node.elts]
    return () if None in texts else tuple(text for text in texts if text is not None)


def _constant_parts(values: Iterable[ast.expr], hole: ast.expr) -> tuple[str, str]:
    parts = {False: "", True: ""}
    is_behind = False
    for value in values:
        is_behind = is_behind or value is hole
        if isinstance(value, ast.Constant):
            parts[is_behind] += str(value.value)
    return parts[False], parts[True]


def dict_literal_keys(node: ast.expr) -> Iterator[ast.expr]:
    """The keys of a dictionary that is written out."""
    if isinstance(node, ast.Dict):
        yield from (key for key in node.keys if key is not None)
