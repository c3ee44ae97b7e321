#!/usr/bin/env bash
# The lowest versions that pyproject.toml allows still do the work: an environment of them, and the tests that touch each of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
uv() { .venv/bin/uv --no-progress "$@"; }
uv pip compile -q pyproject.toml --extra plots --extra search --extra tb --resolution lowest-direct -o "$work/lowest.txt"
grep -E "^(click|copier|gitpython|httpx|httpx-retries|packaging|pyyaml|rich|matplotlib|optuna|tensorboard)==" "$work/lowest.txt"
uv venv -q --python .venv/bin/python "$work/env"
# what the tests need beside: at the versions that are pinned
grep -E "^(pytest|pytest-xdist|hypothesis|jsonschema|pexpect|markdown-it-py)==" requirements-dev.txt >"$work/tests.txt"
uv pip install -q --python "$work/env/bin/python" -r "$work/lowest.txt" -r "$work/tests.txt" 'jsonschema[format]'
uv pip install -q --python "$work/env/bin/python" --no-deps .
"$work/env/bin/python" -m pytest -q -n 2 -p no:cacheprovider -W default --deselect tests/results/test_plots.py::test_the_command_writes_svg_png_and_csv \
  tests/test_imports.py tests/server/test_client.py tests/results/test_file_formats.py tests/results/test_plots.py tests/test_git.py \
  "tests/lifecycle/test_update.py::test_brings_what_is_new_and_only_that" "tests/sweeps/test_evolve.py::test_better_searches_than_luck_find_more"
