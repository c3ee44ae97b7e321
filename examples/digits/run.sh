#!/usr/bin/env bash
# The whole way from a repository to a report, in a directory of its own: bash examples/digits/run.sh [DIRECTORY]
# It needs git, Python and the `scaffold` command; about half a minute. DIRECTORY must not exist; without it a temporary one is made.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/common.sh
source "$here/../common.sh"

say "a repository with one training script, and a workspace for it"
begin digits "$@"
scaffold init --yes --root exp --metric val/acc \
  --goal "Does training on moved images as well make a linear classifier of small digits more accurate?" 2>&1 | tail -n 2 >&2
cp "$here/tasks.md" exp/tasks.md
commit "Workspace and plan"
scaffold plan check

# NAME EXPERIMENT TASK SEEDS GRID...: one sweep, waited for; a run that fails stays in the records. The one place that starts runs.
runs() {
  local name=$1 experiment=$2 task=$3 seeds=$4
  shift 4
  scaffold sweep new "$name" --goal "$name" --experiment "$experiment" --task "$task" --seeds "$seeds" --grid "$@" \
    --cpus-per-run 1 -- python3 train.py >/dev/null 2>&1
  scaffold sweep launch "$name" --wait 2>&1 | tail -n 1 >&2 || true
}

say "baseline, 5 seeds"
runs baseline baseline P2-T1 1-5 shift=0
say "main method, 5 seeds"
runs shift shift P3-T1 1-5 shift=1
say "sensitivity to the learning rate, 3 seeds each"
runs sensitivity sensitivity P4-T1 1-3 shift=0,1 lr=0.003,0.01,0.1
say "a learning rate that is far too high"
runs too-high sensitivity P4-T1 1-2 shift=1 lr=100

say "numbers, and what the plan asks for"
for experiment in baseline shift sensitivity; do
  scaffold results --where "experiment=$experiment" --format csv >"exp/results/$experiment.csv" 2>/dev/null
done
scaffold results --where experiment=baseline --limit 0 --json >exp/results/noise_floor.json 2>/dev/null
scaffold results compare baseline shift --metric val/acc | tee exp/analysis/midpoint.md
echo "Decision: the plan goes on; the verdict above, and its interval, is what the final reflection answers with." >>exp/analysis/midpoint.md
printf '%s\n' '# What train.py does' '' '- data: drawn from `--seed`, 120 images to train on, 400 to test' \
  '- options: `--seed`, `--lr`, `--shift`, `--noise`, `--epochs`' '- `val/acc`: `accuracy` on the test images, after every epoch' >exp/analysis/notes.md
python3 --version >exp/analysis/environment.txt
{ scaffold run --name-only --experiment smoke --seed 1 -- python3 train.py; scaffold run --name-only --experiment smoke --seed 1 -- python3 train.py; } >exp/analysis/names.md
{ scaffold runs audit || true; echo "audited"; } >exp/analysis/manifests.md 2>&1
{ echo "# Runs that failed"; scaffold runs list --status failed; } >exp/analysis/errors.md
printf '%s\n' '# Skills' '' '## Execution Ops Protocol' '' 'None is used here.' >exp/prompt_skill_playbook.md

say "plots where matplotlib is, the report as text in any case"
mkdir -p exp/analysis/plots
scaffold report plots --out exp/analysis/plots >/dev/null 2>&1 ||
  echo "plots need: pip install 'experiment-scaffold[plots]'" | tee exp/analysis/plots/README.md >&2
scaffold report --md --out exp/analysis/report.md >/dev/null
{ echo "# Is the goal reached?"; scaffold results compare baseline shift --metric val/acc; } >exp/analysis/final.md 2>/dev/null
for task in P1-T1 P1-T2 P1-T3 P1-T4 P1-T5 P2-T1 P2-T2 P3-T1 P3-T2 P4-T1 P4-T2 P4-T3 P4-T4; do
  scaffold plan "done" "$task" >/dev/null 2>&1 || echo "   $task does not verify" >&2
done
commit "Results"
say "the report; every number in the decision must be backed by runs"
scaffold report --check exp/analysis/midpoint.md
scaffold report
scaffold runs export --ro-crate "$directory.crate" >&2
say "done: open $directory/exp/analysis/report.html; the crate is $directory.crate"
