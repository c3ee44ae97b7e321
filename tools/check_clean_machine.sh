#!/usr/bin/env bash
# Proves the README's set-up commands on a machine with Python, pip and git alone: as a new user where this is root, else with an empty
# environment; an empty HOME; uv and conda are there in name only, and it is noticed where one is called. Then looks at what was written.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fail() { echo "error: $*" >&2; exit 1; }

work=$(mktemp -d)
user=
cleanup() {
  [ -z "$user" ] || userdel "$user" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
chmod 755 "$work"
mkdir "$work/home" "$work/none" "$work/tmp"
touch "$work/began"

if [ "$(id -u)" = 0 ] && command -v useradd runuser >/dev/null; then
  user=clean$$
  # a number of its own: with the next free one it would own what a former user left behind
  useradd --uid $((30000 + $$ % 30000)) --no-create-home --home-dir "$work/home" --shell /bin/bash "$user"
fi
as_user() { # COMMAND...: in the clean environment; of ours it has only how the network is reached
  local kept=() name
  while IFS= read -r name; do kept+=("$name=${!name}"); done < <(compgen -e | grep -iE '^(pip_(index_url|extra_index_url|find_links|cert|trusted_host|default_timeout)|ssl_cert_file|(https?|all|no)_proxy)$' || true)
  # the pins are the gate's: a new release of a dependency is found by its updates, and not by an unrelated change
  local clean=(env -i "${kept[@]}" HOME="$work/home" TMPDIR="$work/tmp" PATH="$work/none:$PATH_OF_PYTHON/usr/bin:/bin" LANG=C.UTF-8
    PIP_CONSTRAINT="$work/home/scaffold/requirements-dev.txt" PIP_DISABLE_PIP_VERSION_CHECK=1)
  if [ -n "$user" ]; then runuser -u "$user" -- "${clean[@]}" "$@"; else "${clean[@]}" "$@"; fi
}

# a python3 that this user may run: Debian's, else whichever is first on PATH
PATH_OF_PYTHON=
for tried in "" "$(dirname "$(command -v python3)"):"; do
  PATH_OF_PYTHON=$tried
  if as_user python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then break; fi
  PATH_OF_PYTHON=none
done
if [ "$PATH_OF_PYTHON" = none ] && [ -n "$user" ]; then # it lies in root's own directory
  userdel "$user"
  user=
  PATH_OF_PYTHON="$(dirname "$(python3 -c 'import sys; print(sys.executable)')"):"
fi
[ "$PATH_OF_PYTHON" != none ] || fail "no python3 of 3.10 or newer with ensurepip"

for name in uv uvx conda mamba micromamba pipx poetry; do
  # shellcheck disable=SC2016 # for the sh that is written
  printf '#!/bin/sh\necho "$0" >>%s/tmp/called\nexit 127\n' "$work" >"$work/none/$name"
done
chmod -R a+rx "$work/none"
git clone -q --no-hardlinks . "$work/home/scaffold"
mkdir "$work/home/my-repository"
cp examples/digits/train.py "$work/home/my-repository"
git -C "$work/home/my-repository" init -q
git -C "$work/home/my-repository" add -A
git -C "$work/home/my-repository" -c user.name=t -c user.email=t@localhost commit -qm first
[ -z "$user" ] || chown -R "$user": "$work/home" "$work/tmp"

commands=$(sed -n '/<!-- set-up commands -->/,/^```$/p' README.md | sed -e '1,2d' -e '$d')
[ "$(grep -c . <<<"$commands")" = 2 ] || fail "README.md has not two set-up commands after <!-- set-up commands -->"
echo "$commands"
echo "as ${user:-$(id -un)} with $(as_user python3 --version) and $(as_user git --version)"
as_user bash -euc "cd ~/scaffold; $commands" </dev/null
as_user bash -euc 'cd ~/my-repository; ../scaffold/.venv/bin/scaffold plan check; ../scaffold/.venv/bin/scaffold run --seed 1 -- python3 train.py --seed 1 >/dev/null'

# nothing outside the clone's .venv, the workspace and ~/.cache
[ ! -e "$work/tmp/called" ] || fail "called: $(cat "$work/tmp/called")"
listed() { as_user git -C "$work/home/$1" status --porcelain; }
[ -z "$(listed scaffold)" ] || fail "in the clone: $(listed scaffold)"
[ "$(listed my-repository)" = "?? .wild/" ] || fail "in the repository: $(listed my-repository)"
outside=$(find "$work/home" -mindepth 1 -maxdepth 1 ! -name scaffold ! -name my-repository ! -name .cache)
[ -z "$outside" ] || fail "in HOME: $outside"
left=$(find "$work/tmp" -mindepth 1)
[ -z "$left" ] || fail "left behind: $left"
if [ -n "$user" ]; then
  outside=$(find /tmp /var/tmp /dev/shm /run/lock -path "$work" -prune -o -user "$user" -cnewer "$work/began" -print 2>/dev/null || true)
  [ -z "$outside" ] || fail "outside of HOME: $outside"
fi
echo "nothing was written outside of the clone's .venv, the workspace and ~/.cache"
