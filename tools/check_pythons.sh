#!/usr/bin/env bash
# shellcheck disable=SC2181
# Every Python from 3.10 to 3.14 that this machine has: the package installed on it, and a repository's life with it.
# A version that is not here is said to be, and is no failure; one where the life ends early is.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@localhost GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@localhost
failed=0

find_python() { # VERSION: one that starts, of the PATH, of pyenv, or of uv
  local candidate
  for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python "$HOME"/.local/share/uv/python/*-"$1".*/bin/python; do
    if "$candidate" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" >/dev/null 2>&1; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

life() { # PYTHON: installs the package for it alone, and takes a repository through its life
  set -e
  local python=$1 place=$2
  .venv/bin/uv venv -q --python "$python" "$place/env"
  .venv/bin/uv pip install -q --python "$place/env/bin/python" "$here"
  export PATH="$place/env/bin:$PATH"
  mkdir "$place/repo"
  cd "$place/repo"
  git init -q
  echo 'import os; print(os.environ["RUN_SEED"])' >train.py
  git add -A
  git commit -qm first
  scaffold init --yes --goal "Does this Python do?"
  scaffold detect --json
  scaffold plan check
  scaffold run --experiment baseline --seed 3 -- python train.py
  scaffold sweep new lr --goal "does a sweep" --seeds 1-2 --seed-option env -- python train.py
  scaffold sweep launch lr --wait --yes
  scaffold runs audit
  scaffold report
  scaffold update --to v0.1.0
  scaffold update
  scaffold remove
}

for version in 3.10 3.11 3.12 3.13 3.14; do
  if ! python=$(find_python "$version"); then
    echo "$version not on this machine"
    continue
  fi
  mkdir "$work/$version"
  # not as a condition: bash would go on after a step that fails
  (life "$python" "$work/$version") >"$work/$version/log" 2>&1
  if [ $? = 0 ]; then
    echo "$version ok ($("$python" -c 'import platform; print(platform.python_version())'))"
  else
    echo "$version FAILED"
    tail -n 40 "$work/$version/log"
    failed=1
  fi
done
exit $failed
