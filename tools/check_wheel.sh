#!/usr/bin/env bash
# Builds sdist and wheel, looks at what is in them, installs the wheel alone into an empty environment, and there takes a repository
# through its life away from the checkout and, where this user may cut it off, from the network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export UV_PYTHON=$here/.venv/bin/python UV_NO_PROGRESS=1

# the wheel from the checkout, the sdist from the checkout, and the wheel again from the sdist: built by the hatchling that is pinned
build() { .venv/bin/uv build -q --no-build-isolation --no-build-logs "$@"; }
build --wheel -o "$work/dist" .
build --sdist -o "$work/dist" .
mkdir "$work/unpacked"
tar -xzf "$work"/dist/*.tar.gz -C "$work/unpacked" --strip-components 1
build --wheel -o "$work/again" "$work/unpacked"

.venv/bin/python - "$work" <<'PYTHON'
import re, sys, tarfile, zipfile
from pathlib import Path

work = Path(sys.argv[1])
[wheel], [again], [sdist] = (list(work.glob(pattern)) for pattern in ("dist/*.whl", "again/*.whl", "dist/*.tar.gz"))
hashes = [{name: data.read(name) for name in data.namelist()} for data in map(zipfile.ZipFile, (wheel, again))]
assert hashes[0] == hashes[1], sorted(k for k in hashes[0].keys() | hashes[1].keys() if hashes[0].get(k) != hashes[1].get(k))
names = set(hashes[0])
strangers = [n for n in names if not re.match(r"scaffold/|experiment_scaffold-[\w.]+\.dist-info/", n)]
assert not strangers, strangers
packed = {n.partition("/")[2] for n in tarfile.open(sdist).getnames()}
for name in (*names, *packed):
    assert not re.search(r"(^|/)(tests?|benchmarks|\.venv|__pycache__|\.git|\.\w+_cache)(/|$)|\.pyc$", name.removeprefix("template/")), name
for name in ("scaffold/template.bundle", "scaffold/_template/copier.yml", "scaffold/py.typed", "scaffold/__main__.py"):
    assert name in names, name
assert any(n.endswith("/record_run.py") for n in names) and sum("/_record_run/" in n for n in names) > 15 and sum("/_record_run/" in n for n in packed) > 15
assert any(n.endswith("/licenses/LICENSE") for n in names)
assert {"pyproject.toml", "LICENSE", "README.md", "copier.yml", "PKG-INFO"} <= packed
print(f"wheel {len(names)} files, {wheel.stat().st_size} bytes; sdist {len(packed)} files, {sdist.stat().st_size} bytes")
PYTHON

python3 -m venv "$work/env"
"$work/env/bin/python" -m pip install -q -c requirements-dev.txt "$work"/dist/*.whl
export HOME="$work/home" PATH="$work/env/bin:$PATH" GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
mkdir "$HOME" "$work/repo"
cat >"$work/life.sh" <<'LIFE'
set -euo pipefail
git init -q
printf 'import json, os\nwith open(os.environ["RUN_OUTPUT_DIR"] + "/metrics.json", "w") as f:\n    json.dump({"loss": 1.5}, f)\n' >train.py
git add -A
git commit -qm first
python -m scaffold init --yes --goal "Does the wheel work?"
scaffold init --yes | grep -q "nothing to do"
scaffold plan check .wild/experiments/tasks.md
python3 .wild/experiments/scripts/record_run.py --experiment baseline --seed 1 -- python3 train.py
scaffold run --experiment baseline --seed 2 -- python3 train.py
scaffold results --metric loss | grep -q "1.5"
scaffold sweep new lr --goal "does a sweep" --seeds 1-2 --seed-option env -- python3 train.py
scaffold sweep launch lr --wait --yes
scaffold report
grep -q 'id="h-runs"' .wild/experiments/analysis/report.html
scaffold runs export --ro-crate "$1/crate"
scaffold status
scaffold update --to v0.1.0
scaffold update
scaffold update --check
for shell in bash zsh fish; do scaffold completion "$shell" | grep -q scaffold; done
if scaffold report plots --out plots 2>"$1/said"; then echo "plots without their extra?"; exit 1; fi
grep -qF '[plots]' "$1/said"
scaffold remove
test -z "$(git status --porcelain -- . ':!.wild')"
test -z "$(find .wild -name 'README.md')"
LIFE
cd "$work/repo"
if unshare -rn true 2>/dev/null; then
  echo "without a network"
  unshare -rn bash "$work/life.sh" "$work"
else
  echo "this user may not cut the network off: every proxy points at a closed port"
  env http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9 bash "$work/life.sh" "$work"
fi
