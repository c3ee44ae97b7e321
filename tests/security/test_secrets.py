"""No secret is kept, and nothing else is hidden: the table of `secret_forms.py`, held against every rule and every file that is written."""

from __future__ import annotations

import shlex

import pytest

from scaffold.runs import recorder
from tests.security.secret_forms import HARMLESS_FORMS, SECRET_FORMS, Form

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
