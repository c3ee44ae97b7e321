"""No secret is kept, and nothing else is hidden: the table of `secret_forms.py`, held against every rule and every file that is written."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest

from scaffold.runs import recorder
from tests.security.secret_forms import HARMLESS_FORMS, SECRET_FORMS, TOKENS, Form

KINDS = {
    "shell": "text",
    "headers": "text",
    "yaml": "config",
    "json": "config",
    "toml": "config",
    "dotenv": "config",
    "python": "code",
}


def label(form: Form) -> str:
    return f"{form.notation}: {form.text[:60]!r}"


def redact(form: Form) -> str:
    """The form as a file keeps it; of arguments the parameters and the name too."""
    if form.notation != "argv":
        return str(recorder.redaction.redact(form.text, KINDS[form.notation]))
    argv = ["true", *shlex.split(form.text)]
    identity = recorder.naming.Identity(argv)
    return "\n".join([*identity.argv, repr(identity.params), identity.name])


def test_the_table_is_long_enough() -> None:
    assert len(SECRET_FORMS) >= 150 and len(HARMLESS_FORMS) >= 150
    assert all(form.secrets for form in SECRET_FORMS) and not any(form.secrets for form in HARMLESS_FORMS)
    for forms in (SECRET_FORMS, HARMLESS_FORMS):
        assert len({(form.notation, form.text) for form in forms}) == len(forms)


@pytest.mark.parametrize("form", SECRET_FORMS, ids=label)
def test_a_secret_is_hidden(form: Form) -> None:
    kept = redact(form)
    assert [secret for secret in form.secrets if secret in kept] == [], kept
    assert "***" in kept
    if form.notation != "argv":
        assert kept.count("\n") == form.text.count("\n"), "a text keeps its lines"


@pytest.mark.parametrize("form", HARMLESS_FORMS, ids=label)
def test_what_is_no_secret_stays(form: Form) -> None:
    if form.notation == "argv":
        argv = shlex.split(form.text)
        assert recorder.redaction.redact_argv(argv) == argv
        params = recorder.naming.command_params(["true", *argv])
        assert recorder.redaction.redact_params(params) == params
    else:
        assert recorder.redaction.redact(form.text, KINDS[form.notation]) == form.text


TEXTS = [form for form in SECRET_FORMS if form.notation != "argv"]
FILES = {
    "shell": "x.sh",
    "headers": "x.sh",
    "yaml": "x.yaml",
    "json": "x.json",
    "toml": "x.toml",
    "dotenv": "x.conf",
    "python": "x.py",
}


def patch_of(name: str, rows: list[str], start: int = 1) -> bytes:
    """A patch of one file whose hunk begins at a line."""
    counts = [sum(row[0] != other for row in rows) for other in "+-"]
    hunk = f"@@ -{start},{counts[0]} +{start},{counts[1]} @@\n" + "".join(f"{row}\n" for row in rows)
    return f"diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n{hunk}".encode()


@pytest.mark.parametrize("sign", ["+", "-", " "])
def test_a_patch_holds_no_secret_and_keeps_its_lines(tmp_path: Path, sign: str) -> None:
    for form in TEXTS:
        patch = patch_of(FILES[form.notation], [f"{sign}{line}" for line in form.text.split("\n")])
        kept = recorder.patches.redact_patch(patch, str(tmp_path)).decode()
        assert [secret for secret in form.secrets if secret in kept] == [], kept
        assert [row[:1] for row in kept.split("\n")] == [row[:1] for row in patch.decode().split("\n")]
    for form in HARMLESS_FORMS:
        if form.notation != "argv":
            patch = patch_of(FILES[form.notation], [f"{sign}{line}" for line in form.text.split("\n")])
            assert recorder.patches.redact_patch(patch, str(tmp_path)) == patch


OPENED_ABOVE = {
    "x.py": ['PASSPHRASE = """', *["one"] * 9, "«swordfish»", '"""', "lr = 1"],
    "x.yaml": ["secrets:", *["  - one"] * 9, "  - «swordfish»", "lr: 1"],
    "key.yaml": ["private_key: |", *["  b25l"] * 9, "  «c3dvcmRmaXNo»", "lr: 1"],
    "key.txt": [TOKENS["RSA_KEY"], *["b25lb25lb25lb25l"] * 30, "«c3dvcmRmaXNoc3dv»", TOKENS["RSA_END"], "text"],
    "x.json": ['"tokens": [', *['  "one",'] * 9, '  "«swordfish»"', "]", "text"],
}


@pytest.mark.parametrize("name", OPENED_ABOVE)
def test_a_hunk_inside_a_secret_of_many_lines(tmp_path: Path, name: str) -> None:
    """The name that says so stands far above what the patch shows."""
    [at] = [i for i, line in enumerate(OPENED_ABOVE[name]) if "«" in line]
    lines = [line.strip("«»").replace("«", "").replace("»", "") for line in OPENED_ABOVE[name]]
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    secret = lines[at].strip(' -"')
    rows = [f" {lines[at - 1]}", f"+{lines[at]}", *(f" {line}" for line in lines[at + 1 :])]
    kept = recorder.patches.redact_patch(patch_of(name, rows, at), str(tmp_path)).decode()
    assert secret not in kept and lines[-1] in kept


ENDLESS = {
    "spaces": "password:" + " " * 40_000,
    "one word": "password://" + "a1" * 20_000,
    "beginnings of tokens": "-sk-" * 10_000,
    "brackets": "token: " + "{" * 20_000,
    "lists that never close": "token: [1,2,\n" * 3_000,
    "options": " --token" * 4_000,
    "keys that never end": TOKENS["RSA_KEY"] + "\n" + ("A" * 64 + "\n") * 1_000,
    "keys that never begin": ("A" * 64 + "\n") * 1_000 + TOKENS["RSA_END"],
    "backslashes": 'token = "' + "\\" * 40_000,
    "quotes": "token = " + "\"'" * 12_000,
    "rows": "secrets:\n" + "  a: b1c2d3e4f5\n" * 2_000,
    "mappings in mappings": "".join(" " * depth + "secrets:\n" for depth in range(600)),
    "addresses": "https://a:b" * 4_000,
    "commas": "key: " + ", " * 20_000,
    "sections": "[secrets]\na=b\n" * 2_000,
}


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_no_text_takes_long(text: str) -> None:
    for kind in ("text", "config", "code"):
        began = time.process_time()
        recorder.redaction.redact(text, kind)
        assert time.process_time() - began < 1.5
