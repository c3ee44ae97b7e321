"""What starts the jobs."""

from __future__ import annotations

import pytest

from scaffold.conventions.launchers import detect_launchers
from scaffold.facts.model import facts_from_texts


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"run.sh": "torchrun --nproc_per_node=8 train.py\n"}, ("torchrun",)),
        ({"run.sh": "python -m torch.distributed.launch --use_env main.py\n"}, ("torchrun",)),
        ({"run.sh": "OMP_NUM_THREADS=1 srun torchrun train.py\n"}, ("slurm", "torchrun")),
        ({"job.sbatch": "#!/bin/bash\n#SBATCH -p gpu\npython train.py\n"}, ("slurm",)),
        ({"README.md": "```bash\naccelerate launch train.py\n```\n"}, ("accelerate",)),
        ({"README.md": "Train with `sbatch train.sbatch`.\n"}, ("slurm",)),
        ({"train.py": '"""Run with:\n\n$ torchrun --standalone train.py\n"""\n'}, ("torchrun",)),
        ({"submit.py": "import submitit\n"}, ("submitit",)),
        ({"submit.py": "import subprocess\nsubprocess.call(['sbatch', 'job.sh', name])\n"}, ("slurm",)),
        ({"submit.py": "import os\nos.system('deepspeed train.py --x 1')\n"}, ("deepspeed",)),
        ({"deepy.py": "from deepspeed.launcher.runner import main\n"}, ("deepspeed",)),
        ({"go.py": "import subprocess\nsubprocess.run(['accelerate', 'launch', 'train.py'])\n"}, ("accelerate",)),
        ({"tune.py": "import ray\nfrom ray import tune\n"}, ("ray",)),
        ({"run.sh": "mpirun -np 8 python train.py\nhorovodrun -np 4 python train.py\n"}, ("horovod", "mpirun")),
        ({"conf/h.yaml": "defaults:\n  - override hydra/launcher: submitit_slurm\n"}, ("submitit",)),
        ({"k8s/job.yaml": "apiVersion: batch/v1\nkind: Job\n"}, ("kubernetes",)),
        ({"sky.yaml": "resources:\n  accelerators: A100:8\nrun: |\n  python train.py\n"}, ("skypilot",)),
    ],
)
def test_a_launcher_is_a_command_an_import_or_a_header(texts: dict[str, str], found: tuple[str, ...]) -> None:
    assert detect_launchers(facts_from_texts(texts)).value == found


@pytest.mark.parametrize(
    "texts",
    [
        {"README.md": "TorchTitan can be used with SkyPilot, torchrun and Slurm.\n"},
        {"run.sh": "echo python -m torch.distributed.launch train.py\npip install deepspeed\n"},
        {"run.sh": "# torchrun train.py\npython train.py\n"},
        {"train.py": "import deepspeed\nimport mpi4py\n"},
        {"tests/run.sh": "torchrun test.py\n"},
        {"train.py": "print('start with torchrun --standalone train.py')\n"},
        {"requirements.txt": "accelerate\nray\n"},
    ],
)
def test_a_mention_is_no_use(texts: dict[str, str]) -> None:
    assert detect_launchers(facts_from_texts(texts)).value == ()
