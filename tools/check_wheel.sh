#!/usr/bin/env bash
# Builds the wheel, installs it alone into an empty environment, and takes a repository through its life away from the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m pip wheel -q --no-deps --no-build-isolation -w "$work/dist" .
python3 -m venv "$work/env"
"$work/env/bin/python" -m pip install -q -c requirements-dev.txt "$work"/dist/*.whl
export HOME="$work/home" PATH="$work/env/bin:$PATH" GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
mkdir "$HOME" "$work/repo"
cd "$work/repo"
git init -q
echo 'print(1)' >train.py
git add -A
git commit -qm first
scaffold init --yes --goal "Does the wheel work?"
scaffold init --yes | grep -q "nothing to do"
scaffold plan check .wild/experiments/tasks.md
python3 .wild/experiments/scripts/record_run.py --experiment baseline --seed 1 -- python3 train.py
scaffold report
grep -q 'id="h-runs"' .wild/experiments/analysis/report.html
scaffold runs export --ro-crate "$work/crate"
scaffold status
scaffold update --to v0.1.0
scaffold update
scaffold update --check
scaffold remove
test -z "$(git status --porcelain -- . ':!.wild')"
test -z "$(find .wild -name '*.md')"
