"""What the repository asks of Slurm."""

from __future__ import annotations

import pytest

from scaffold.conventions import activation, slurm
from scaffold.facts.model import facts_from_texts

TRAIN = """#!/bin/bash
# trains
#SBATCH --job-name=train
#SBATCH --partition=gpu  # adjust
#SBATCH -A lab42
#SBATCH --qos "high"
#SBATCH --gres=gpu:4
#SBATCH -t 14:00:00
##SBATCH --partition=commented
module load cuda/12.1 gcc
source $HOME/.venv/bin/activate
#SBATCH --partition=after-the-first-command
srun python train.py
"""


def test_both_spellings_of_the_options_are_read_up_to_the_first_command() -> None:
    found = slurm.to_slurm_conventions(slurm.slurm_conventions(facts_from_texts({"jobs/train.sbatch": TRAIN})))
    assert found is not None
    assert found.scripts == ("jobs/train.sbatch",)
    assert found.partitions == ("gpu",)
    assert found.accounts == ("lab42",)
    assert found.qos == ("high",)
    assert found.gres == ("gpu:4",)
    assert found.time == ("14:00:00",)
    assert found.modules == ("cuda/12.1", "gcc")
    assert found.setup == ("source $HOME/.venv/bin/activate",)


def test_evidence_is_the_line_of_the_script() -> None:
    [evidence] = slurm.slurm_requests(facts_from_texts({"jobs/train.sbatch": TRAIN}))["partitions"].evidence
    assert (evidence.path, evidence.line, evidence.text) == (
        "jobs/train.sbatch",
        4,
        "#SBATCH --partition=gpu  # adjust",
    )


def test_of_several_scripts_the_most_used_value_comes_first() -> None:
    header = "#!/bin/bash\n#SBATCH -p {}\nsrun python x.py\n"
    texts = {f"{n}.sh": header.format(p) for n, p in enumerate(("small", "big", "big"))}
    assert slurm.slurm_requests(facts_from_texts(texts))["partitions"].value == ("big", "small")


def test_flags_of_srun_and_sbatch_count_also_in_the_readme_which_is_no_script() -> None:
    texts = {
        "run.sh": "sbatch -p long --account=lab job.sh\n",
        "README.md": "```bash\nsrun -p interactive python train.py\n```\n",
    }
    found = slurm.to_slurm_conventions(slurm.slurm_conventions(facts_from_texts(texts)))
    assert found is not None
    assert (found.scripts, found.partitions, found.accounts) == (("run.sh",), ("long", "interactive"), ("lab",))


@pytest.mark.parametrize(
    "value",
    [
        "your-partition",
        "<account>",
        "${PARTITION}",
        "$PARTITION",
        "ACCOUNT_NAME",
        "YOUR_PARTITION",
        "{{partition}}",
        "partition",
        "xxx",
        "example",
        "[queue]",
        "...",
    ],
)
def test_a_placeholder_is_no_value(value: str) -> None:
    found = slurm.slurm_requests(
        facts_from_texts({"a.sbatch": f"#!/bin/bash\n#SBATCH --partition={value}\npython x.py\n"})
    )["partitions"]
    assert found.value == ()
    assert "placeholder" in found.lost[0].text


@pytest.mark.parametrize(
    "value", ["gpu", "dc-gpu-devel", "a100_80", "hopper-prod", "IscrC_DEEP", "NAISS2024-5-1", "normal"]
)
def test_a_name_of_a_cluster_is_no_placeholder(value: str) -> None:
    assert not slurm.is_slurm_placeholder(value)


@pytest.mark.parametrize(
    "texts",
    [
        {"run.sh": "echo 'sbatch job.sh'\npython train.py\n"},
        {"README.md": "We use Slurm (`#SBATCH --partition=x`) a lot.\n"},
        {"tests/submit.sh": "sbatch -p theirs job.sh\n"},
        {"tests/cluster.sh": "#!/bin/bash\n#SBATCH -p theirs\n"},
        {"third_party/x/job.sbatch": "#!/bin/bash\n#SBATCH -p theirs\n"},
        {"train.py": '"""Use #SBATCH --partition=x."""\n'},
    ],
)
def test_a_mention_is_no_use(texts: dict[str, str]) -> None:
    assert slurm.slurm_conventions(facts_from_texts(texts)) is None


def test_documentation_speaks_only_where_no_script_of_its_own_does() -> None:
    shown = {"docs/cluster.sh": "#!/bin/bash\n#SBATCH -p shown\n"}
    own = {"job.sbatch": "#!/bin/bash\n#SBATCH -p own\n"}
    alone, beside = (
        slurm.to_slurm_conventions(slurm.slurm_conventions(facts_from_texts(t))) for t in (shown, {**shown, **own})
    )
    assert alone is not None and beside is not None
    assert (alone.scripts, alone.partitions) == (("docs/cluster.sh",), ("shown",))
    assert (beside.scripts, beside.partitions) == (("job.sbatch",), ("own",))


def test_a_whole_number_of_gpus_is_a_gres_too() -> None:
    found = slurm.slurm_requests(
        facts_from_texts({"a.slurm": "#!/bin/bash\n#SBATCH --gpus-per-node=a100:2\npython x.py\n"})
    )
    assert found["gres"].value == ("gpu:a100:2",)


def test_a_template_with_slurm_in_its_name_is_read() -> None:
    texts = {
        "benchmark/one.slurm_template": "#!/bin/bash\n#SBATCH --partition=prod\n#SBATCH --gpus-per-task={{gpus}}\n{{nodes}}\n"
    }
    assert slurm.slurm_requests(facts_from_texts(texts))["partitions"].value == ("prod",)


def test_of_two_versions_of_a_module_the_most_used_stays() -> None:
    assert slurm.keep_first_module_versions(("cuda/12.4", "gcc/11", "cuda/12.1")) == ("cuda/12.4", "gcc/11")


def test_an_activation_of_something_unknown_is_left_out() -> None:
    texts = {"a.sbatch": '#!/bin/bash\n#SBATCH -p x\nconda activate "$CONDA_ENV"\nconda activate lab\npython x.py\n'}
    assert activation.activation_lines(facts_from_texts(texts), ("a.sbatch",)).value == ("conda activate lab",)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("partition", "partitions"),
        ("account", "accounts"),
        ("qos", "qos"),
        ("slurm_partition", "partitions"),
        ("slurm_account", "accounts"),
        ("slurm_qos", "qos"),
    ],
)
def test_what_hydras_launcher_asks_for(key: str, field: str) -> None:
    text = f"defaults:\n  - override hydra/launcher: submitit_slurm\nhydra:\n  launcher:\n    {key}: lab_one\n    timeout_min: 10\n"
    texts = {"conf/hydra/launcher/cluster.yaml": text, "conf/other.yaml": f"{key}: nothing\n", "train.py": "x = 1\n"}
    found = slurm.slurm_requests(facts_from_texts(texts))
    assert found[field].value == ("lab_one",)
    assert slurm.slurm_requests(facts_from_texts({"conf/a.yaml": text.replace("lab_one", "null")}))[field].value == ()
