"""No secret is kept, and nothing else is hidden: the table of `secret_forms.py`, held against every rule and every file that is written."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from scaffold.cli.main import group
from scaffold.plan.tasks import command_runner
from scaffold.runs import recorder, worktrees
from tests.conftest import git, write_tree
from tests.runs.conftest import Workspace, settings, write_workspace
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


def name_of(command: str, **more: Any) -> str:
    return str(recorder.naming.Identity(shlex.split(command), **more).name)


def test_a_name_is_made_without_secrets_and_not_from_hidden_text() -> None:
    """Another token is no other run; anything else is: also what was taken for a secret once, and what only looks hidden."""
    assert name_of("t.py --api-key one1 --lr 1") == name_of("t.py --api-key two2 --lr 1") != name_of("t.py --lr 1")
    assert name_of("t.py u=https://me:one@h/x") == name_of("t.py u=https://me:two@h/x")
    assert name_of("t.py", params={"token": "one1"}) == name_of("t.py", params={"token": "two2"})
    different = [
        "--token-mixer pool",
        "--token-mixer attn",
        "--train-tokens 1",
        "--train-tokens 2",
        "--x ***",
        "--x hf",
        "--y ***",
    ]
    assert len({name_of(f"t.py {options}") for options in different}) == len(different)
    found = recorder.naming.Identity(
        shlex.split("t.py --api-key one1 https://me:two@h"), params={"password": "three", "n": 1}
    )
    assert found.secrets == 3 and found.params == {"api_key": "***", "n": 1, "password": "***"}
    assert found.name.startswith("t-n_1-") and recorder.naming.Identity(["t.py"]).secrets == 0


@pytest.mark.parametrize("form", [form for form in SECRET_FORMS if form.notation == "argv"][::3], ids=label)
def test_another_secret_gives_the_same_name(form: Form) -> None:
    if any(not part.isascii() or len(part) < 3 for part in form.secrets):
        return
    other = form.text
    for part in form.secrets:
        other = other.replace(part, part[:-1] + ("7" if part[-1] != "7" else "8"))
    assert name_of(f"true {form.text}") == name_of(f"true {other}")


def test_metrics_are_numbers_whatever_they_are_called() -> None:
    metrics: dict[str, Any] = {
        "password_f1": 0.9,
        "token": 3,
        "api_key": 1.5,
        "auth": True,
        "note": "fine",
        "secret": "swordfish",
    }
    kept = recorder.redaction.redact_metrics(metrics)
    assert kept == {**metrics, "secret": "***"} and list(kept) == sorted(metrics)


@pytest.mark.parametrize(
    ("path", "secret", "tracked"),
    [
        (".env", True, True),
        ("conf/.env.local", True, True),
        (".netrc", True, True),
        ("secrets/a.yaml", True, False),
        ("a/secrets/token", True, False),
        ("id_rsa", True, True),
        ("id_rsa.pub", False, False),
        ("certs/server.key", True, False),
        ("key.pem", True, False),
        ("credentials.json", True, False),
        (".aws/credentials", True, False),
        (".npmrc", True, False),
        (".env.example", False, False),
        ("src/secrets/read.py", False, False),
        ("tokenizer.json", False, False),
        ("data/keys.csv", False, False),
        ("src/tokens.py", False, False),
        ("environment.yml", False, False),
    ],
)
def test_files_that_are_never_kept(path: str, secret: bool, tracked: bool) -> None:
    assert recorder.secret_files.is_secret_file(path) == secret
    assert recorder.secret_files.is_secret_file(path, tracked=True) == tracked


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A run that carries all forms at once: in its command, its configs, a script on its standard input, a patch, its metrics, its log."""
    root = tmp_path_factory.mktemp("forms") / "repo"
    root.mkdir()
    git(root, "init", "-q")
    workspace = write_workspace(root, {**settings(), "name_scheme": 2})
    names = {"yaml": "yaml", "json": "json5", "toml": "toml", "dotenv": "ini"}
    files = {}
    for number, form in enumerate(TEXTS):
        ending = names.get(form.notation) or FILES[form.notation].partition(".")[2]
        files[f"forms/{number}.{ending}"] = form.text + "\n"
    write_tree(root, {"train.py": "1\n", **{name: "\n" for name in list(files)[::2]}})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")
    write_tree(root, {**files, ".netrc": "machine h login me password swordfish\n", "secrets/a.txt": "swordfish\n"})
    configs = [word for name in files if name.endswith(tuple(names.values())) for word in ("--config", name)]
    words = [word for form in SECRET_FORMS if form.notation == "argv" for word in shlex.split(form.text)]
    script = "import os, json\n" + "\n".join(
        f"x{n} = {form.text!r}" for n, form in enumerate(TEXTS) if form.notation == "python"
    )
    script += "\njson.dump({'password_f1': 0.5}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))\n"
    done = workspace.record("--quiet", *configs, "--", "python3", "-", *words, input=script)
    assert done.returncode == 0, done.stderr
    return workspace


def test_a_run_keeps_no_secret_in_any_file(recorded: Workspace) -> None:
    kept = recorded.all_bytes().decode("utf-8", "surrogateescape")
    words = {secret for form in SECRET_FORMS for secret in form.secrets}
    assert [word for word in ("swordfish", "c3dvcmRmaXNo", *(w for w in words if len(w) > 15)) if word in kept] == []
    manifest = recorded.last()
    assert manifest["metrics"] == {"password_f1": 0.5} and manifest["command"]["secrets_left_out"] > 100
    patch = (recorded.root / manifest["git"]["patch"]).read_text()
    assert "b/.netrc" not in patch and "b/secrets/" not in patch


def test_a_patch_without_secrets_applies_to_its_commit(recorded: Workspace, tmp_path: Path) -> None:
    manifest = recorded.last()
    git(recorded.root, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    worktrees.apply_patch(tmp_path / "tree", (recorded.root / manifest["git"]["patch"]).read_text())


@pytest.mark.parametrize(
    "words", [["runs", "list", "--json"], ["runs", "show", "NAME"], ["runs", "export", "crate"], ["report"]]
)
def test_what_is_made_of_records_holds_no_secret(
    recorded: Workspace, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list and its cache, a run shown, a crate, a report."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(recorded.root)
    words = [word.replace("NAME", recorded.last()["run"]["name"]) for word in words]
    if "crate" in words:
        words = ["runs", "export", str(tmp_path / "crate")]
    done = CliRunner().invoke(group, words)
    assert done.exit_code in (0, 2), done.output
    texts = [done.output, *(p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file())]
    assert not any("swordfish" in text for text in texts)
    test_a_run_keeps_no_secret_in_any_file(recorded)


def test_the_log_of_a_check_holds_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "P1-T1.log"
    command_runner.run_done_when_command("echo token=sword''fish; echo API_KEY=swordfish --lr 1", tmp_path, log, 20)
    assert "swordfish" not in log.read_text() and "--lr 1" in log.read_text()
