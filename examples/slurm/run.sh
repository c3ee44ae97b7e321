#!/usr/bin/env bash
# From a repository with an sbatch script to a report, each run a task of a Slurm job array: bash examples/slurm/run.sh [DIRECTORY]
# It needs Slurm, git, Python and the `scaffold` command; about 20 s. DIRECTORY must be one that the nodes see; PARTITION names another than `debug`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=examples/common.sh
source "$here/../common.sh"
sinfo >/dev/null 2>&1 || { echo "error: there is no Slurm that answers; tools/slurm_single_node.sh starts one of one node" >&2; exit 1; }

say "a repository with a training script and an sbatch script"
begin slurm "$@"
sed "s/^\(#SBATCH --partition=\).*/\1${PARTITION:-debug}/" "$here/train.sbatch" >train.sbatch
commit "How we submit it"
say "what is learnt from the sbatch script"
scaffold detect --explain slurm
say "the workspace"
scaffold init --yes --root exp --metric val/acc --goal "Which learning rate suits the digits?" 2>&1 | tail -n 2 >&2
commit "Workspace"

say "three learning rates, one of them far too high, three seeds each: one job array"
scaffold sweep new lr --goal "which learning rate" --grid lr=0.003,0.03,100 --seeds 1-3 --cpus-per-run 1 -- python3 train.py >/dev/null
scaffold sweep launch lr --backend slurm --wait || [ $? = 3 ] # 3: not every run finished
grep '^#SBATCH' exp/metadata/sweeps/lr/array-*.sbatch

say "what failed once more, in case it was the node: a second attempt under the same names"
scaffold sweep launch lr --backend slurm --retry failed --wait || [ $? = 3 ]
scaffold runs list --status failed

say "numbers, and the report: both attempts of what failed are in it, and their cause"
scaffold results
scaffold report
say "done: open $directory/exp/analysis/report.html"
