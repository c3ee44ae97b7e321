"""Nothing secret reaches a file that the recorder writes, or a name; and what is no secret stays."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conftest import git, write_tree
from tests.runs.conftest import MakeWorkspace, Workspace, python

HF = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
SK = "sk-" + "proj-4f9aKd82hfKs92KdlsP0qw8eR7"
GHP = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
WANDB = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "argv",
    [
        ["--api-key", "swordfish"],
        ["--api-key=swordfish"],
        ["--token", "swordfish"],
        ["api_key=swordfish"],
        ["+trainer.logger.apiKey=swordfish"],
        ["--db.password", "swordfish"],
        ["--password", "12345678swordfish"],
        ["--password", "$swordfish"],
        ["--password={swordfish"],
        ["db_password=<swordfish>"],
        ["--client_secret=swordfish"],
        ["--auth", "swordfish"],
        ["--credentials=swordfish"],
        ["-H", "Authorization: Bearer swordfish"],
        ["-H", "X-Auth-Token: swordfish"],
        ["--header=Authorization: token swordfish"],
        ["https://user:swordfish@example.org/x.git"],
        ["--url=https://user:swordfish@example.org/x"],
        ["postgresql://me:swordfish@db/runs"],
        ["https://example.org/?api_key=swordfish&x=1"],
        ["bash", "-c", "export API_TOKEN=swordfish; python train.py"],
        ["bash", "-c", 'curl -H "Authorization: Bearer swordfish" x'],
        ["bash", "-c", "python x.py --api-key swordfish"],
        ["bash", "-c", "PASSWORD='swordfish' ./x"],
        ["env", "WANDB_API_KEY=swordfish", "python", "x.py"],
        ['{"api_key": "swordfish"}'],
    ],
    ids=" ".join,
)
def test_a_secret_in_the_arguments(workspace: Workspace, argv: list[str]) -> None:
    workspace.record("--quiet", "--", "true", *argv)
    assert b"swordfish" not in workspace.all_bytes()
    assert "***" in workspace.last()["command"]["shell"]


@pytest.mark.parametrize("secret", [HF, SK, GHP, WANDB, "glpat-" + "a1b2c3d4e5f6g7h8i9j0", "AKIA" + "IOSFODNN7EXAMPLE"])
def test_a_token_by_its_shape_alone(workspace: Workspace, secret: str) -> None:
    workspace.record("--quiet", "--", "true", secret, f"x={secret}", f"--name={secret}", f"{secret}:x")
    assert secret.encode() not in workspace.all_bytes()


@pytest.mark.parametrize(
    "words",
    [
        "--max-tokens 512",
        "--tokenizer gpt2",
        "--author me",
        "--monkey see",
        "--n_keys 8",
        "tokenizer.name=bpe",
        "--use-auth-token train.py",
        "--revision " + WANDB,
        "git+https://example.org/x@" + WANDB,
        "meta-llama/Llama-3-8B",
        "sk-learn",
        "ssh://git@example.org/x.git",
        "--keyboard qwerty",
    ],
)
def test_what_is_no_secret_stays(workspace: Workspace, words: str) -> None:
    workspace.record("--quiet", "--", "true", *words.split())
    assert workspace.last()["command"]["argv"] == ["true", *words.split()]


def test_a_secret_among_the_options(workspace: Workspace) -> None:
    write_tree(
        workspace.root, {"c.yaml": "lr: 1\napi_key: swordfish\nlogin:\n  password: 'sword fish'\nmax_tokens: 5\n"}
    )
    options = [
        "--param",
        "token=swordfish",
        "--param",
        "n=1",
        "--config",
        "c.yaml",
        "--experiment",
        "https://a:swordfish@x/y",
    ]
    workspace.record(*options, "--", "true")
    assert b"swordfish" not in workspace.all_bytes() and b"sword fish" not in workspace.all_bytes()
    manifest = workspace.last()
    assert manifest["params"] == {"n": 1, "token": "***"}
    kept = (workspace.root / manifest["paths"]["configs"][0]).read_text()
    assert "lr: 1" in kept and "max_tokens: 5" in kept and "api_key: ***" in kept


def test_a_secret_in_the_environment(workspace: Workspace) -> None:
    environment = {
        "WANDB_API_KEY": "swordfish-1",
        "SLURM_JOB_ID": "12",
        "SLURM_JWT": "swordfish-2",
        "WANDB_RUN_ID": "abc",
        "RUN_SERVER_URL": "https://me:swordfish-3@server:1",
        "DB_PASSWORD": "swordfish-4",
    }
    workspace.record("--", "true", "--run", "pre-swordfish-4-post", env={**os.environ, **environment})
    assert b"swordfish" not in workspace.all_bytes()
    manifest = workspace.last()
    assert manifest["environment"]["variables"] == {"SLURM_JOB_ID": "12", "SLURM_JWT": "***", "WANDB_RUN_ID": "abc"}
    assert manifest["tracking"]["server_url"] == "https://***@server:1"
    assert manifest["command"]["argv"][-1] == "pre-***-post"


def test_a_plain_word_under_a_key_in_the_environment_hides_nothing(workspace: Workspace) -> None:
    command = ("--", "true", "--metric", "accuracy")
    before = workspace.name(*command)
    assert workspace.name(*command, env={**os.environ, "SORT_KEY": "accuracy"}) == before


def test_forty_digits_are_a_token_unless_they_are_called_a_revision(workspace: Workspace) -> None:
    workspace.record("--", "true", "--prefix", WANDB)
    assert WANDB.encode() not in workspace.all_bytes()
    workspace.record("--", "true", "--git-commit", WANDB)
    assert workspace.last()["command"]["argv"][-1] == WANDB


def test_a_secret_in_the_remote(workspace: Workspace) -> None:
    git(workspace.root, "remote", "add", "origin", "https://me:swordfish@example.org/x.git")
    workspace.record("--", "true")
    assert workspace.last()["git"]["remote"] == "https://***@example.org/x.git"
    git(workspace.root, "remote", "set-url", "origin", "https://swordfish@example.org/x.git")
    workspace.record("--", "true")
    assert b"swordfish" not in workspace.all_bytes()


def test_the_remote_of_a_worktree(workspace: Workspace) -> None:
    git(workspace.root, "remote", "add", "other", "ssh://git@example.org/first.git")
    workspace.record("--", "true")
    assert workspace.last()["git"]["remote"] == "ssh://git@example.org/first.git"
    git(workspace.root, "remote", "add", "origin", "git@example.org:x/y.git")
    tree = workspace.root.parent / "tree"
    git(workspace.root, "worktree", "add", "-q", "--detach", str(tree))
    there = Workspace(tree, workspace.facts)
    there.record("--", "true")
    assert there.last()["git"]["remote"] == "git@example.org:x/y.git"


def test_a_secret_in_the_patch(make_workspace: MakeWorkspace) -> None:
    before = {
        "train.py": "a = 1\n",
        "conf.yaml": "lr: 1\n",
        "run.sh": "true\n",
        "gone.py": 'API_KEY = "swordfish-0"\n',
        ".gitignore": "ignored.txt\n",
    }
    workspace = make_workspace({**before, ".env": "A=1\n"})
    files = {
        "train.py": f"""a = 2
API_KEY = "swordfish-1"
password: str = 'swordfish-2'
os.environ["SECRET_KEY"] = "swordfish-3"
headers = {{"Authorization": "Bearer swordfish-4", "X-Auth-Token": "swordfish-5"}}
url = "https://me:swordfish-6@example.org"
login("{HF}", "{SK}", "{GHP}", "{WANDB}")
key, subkey = split(key)
model = sorted(rows, key=lambda r: r.loss, reverse=True)
token = tokenizer(text)
""",
        "conf.yaml": "lr: 1\nwandb:\n  api_key: swordfish-7\n  secret: swordfish eight\n",
        "run.sh": "export HF_TOKEN=swordfish-8\ncurl -H 'X-Auth-Token: swordfish-9' x\nexport TOKEN=$OTHER\n",
        "new.py": 'token = "swordfish-10"\n',
        "notes.ipynb": json.dumps({"source": ['api_key = "swordfish-11"\n']}),
        ".env": "A=2\nPASSWORD=swordfish-12\n",
        ".env.local": "PASSWORD=swordfish-13\n",
        "ignored.txt": "swordfish-14\n",
        "key.pem": "-----BEGIN RSA PRIVATE KEY-----\nswordfish15\nswordfish16\n-----END RSA PRIVATE KEY-----\n",
    }
    write_tree(workspace.root, files)
    (workspace.root / "gone.py").unlink()
    workspace.record("--", "true")
    everything = workspace.all_bytes()
    patch = (workspace.root / workspace.last()["git"]["patch"]).read_text()
    for secret in (b"swordfish", HF.encode(), SK.encode(), GHP.encode(), WANDB.encode()):
        assert secret not in everything
    assert "/.env" not in patch and "ignored.txt" not in patch
    for line in (
        "+a = 2",
        "+key, subkey = split(key)",
        "+model = sorted(rows, key=lambda r: r.loss, reverse=True)",
        "+token = tokenizer(text)",
    ):
        assert line + "\n" in patch
    assert "+export TOKEN=$OTHER\n" in patch


def test_a_patch_without_secrets_applies(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "a = 1\n", "gone.py": "x\n", "data.bin": b"\0\1\2", "mode.sh": "true\n"})
    files: dict[str, str | bytes] = {
        "train.py": "a = 2\nd.get(key)\n",
        "data.bin": b"\0\3",
        'new dir/ü "q".py': "no newline",
        "empty.txt": "",
        "run": "#!/bin/sh\n",
    }
    write_tree(workspace.root, files)
    (workspace.root / "gone.py").unlink()
    (workspace.root / "run").chmod(0o755)
    (workspace.root / "mode.sh").chmod(0o755)
    workspace.record("--", "true")
    patch = workspace.root / workspace.last()["git"]["patch"]
    clean = workspace.root.parent / "clean"
    git(workspace.root, "worktree", "add", "-q", "--detach", str(clean))
    subprocess.run(["git", "apply", str(patch)], cwd=clean, check=True)
    for name, content in files.items():
        assert (clean / name).read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert not (clean / "gone.py").exists()
    assert os.access(clean / "run", os.X_OK) and os.access(clean / "mode.sh", os.X_OK)


def test_secrets_in_metrics(workspace: Workspace) -> None:
    code = "import json, os; json.dump({'acc': 0.5, 'api_key': 'swordfish'}, open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w'))"
    workspace.record("--", *python(code))
    assert workspace.last()["metrics"] == {"acc": 0.5, "api_key": "***"}


def test_secrets_do_not_decide_names(workspace: Workspace) -> None:
    assert workspace.name("--", "true", "--token", "one-secret") == workspace.name("--", "true", "--token", "another")
