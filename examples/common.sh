# shellcheck shell=bash
# What the examples share: a directory of its own with a repository in it. Sourced: begin EXAMPLE [DIRECTORY]; then the two functions.
export GIT_AUTHOR_NAME=${GIT_AUTHOR_NAME:-Example} GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL:-example@localhost}
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '\n== %s\n' "$*" >&2; }
commit() { git add -A && git commit -qm "$1"; }
begin() { # makes $directory with the training script, committed, and goes there
  directory=${2:-$(mktemp -d)/$1}
  case $directory in /*) ;; *) directory=$PWD/$directory ;; esac
  [ ! -e "$directory" ] || { echo "error: $directory is there already" >&2; exit 1; }
  mkdir -p "$directory"
  cd "$directory" || exit
  git init -q -b main
  cp "$examples/digits/train.py" .
  commit "A classifier of small digits"
}
