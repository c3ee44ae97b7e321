"""Which lines of sbatch scripts run.sbatch takes over: all spellings of a hook, and never one of two that need each other."""

from __future__ import annotations

import pytest

from scaffold.conventions.activation import activation_lines, select_activation_lines
from scaffold.facts.model import facts_from_texts


def lines(*script: str) -> tuple[str, ...]:
    text = "#!/bin/bash\n#SBATCH -p gpu\n" + "\n".join(script) + "\npython train.py\n"
    return activation_lines(facts_from_texts({"job.sbatch": text}), ("job.sbatch",)).value


@pytest.mark.parametrize(
    "hook",
    [
        'eval "$(conda shell.bash hook)"',
        "eval \"$(conda 'shell.bash' 'hook')\"",
        'eval "$(conda shell.bash hook 2> /dev/null)"',
        "eval $(conda shell.bash hook)",
        "eval \"$('/opt/conda/bin/conda' 'shell.bash' 'hook' 2> /dev/null)\"",
        'eval "$($HOME/miniconda3/bin/conda shell.posix hook)"',
        'eval "$(micromamba shell hook --shell bash)"',
        'eval "$(micromamba shell hook -s bash)"',
        'eval "$(mamba shell hook --shell=bash)"',
        'eval "$($CONDA_EXE shell.bash hook)"',
        'eval "$(conda shell.bash hook)" || true',
        "source $(conda info --base)/etc/profile.d/conda.sh",
        'source "$(conda info --base)/etc/profile.d/conda.sh"',
        ". ~/miniconda3/etc/profile.d/conda.sh",
        "source /opt/conda/etc/profile.d/conda.sh",
    ],
)
def test_every_spelling_of_a_hook_is_taken_over_before_what_needs_it(hook: str) -> None:
    seen = lines(hook, "conda activate lab")
    assert seen == (hook.removesuffix(" || true"), "conda activate lab")
    assert select_activation_lines(seen) == (list(seen), [])


@pytest.mark.parametrize(
    "hook",
    [
        '__conda_setup="$(/opt/conda/bin/conda shell.bash hook)"',
        'eval "$(curl http://example.org/hook | conda run)"',
        'eval "$(conda shell.bash hook; rm -rf x)"',
        "eval `conda shell.bash hook`",
        "source $SOMEWHERE/etc/profile.d/conda.sh",
        'eval "$($MY_TOOLS/conda shell.bash hook)"',
    ],
)
def test_with_a_hook_that_is_left_out_goes_what_needs_it(hook: str) -> None:
    seen = lines(hook, "conda activate lab", "source .venv/bin/activate")
    assert "conda activate lab" in seen
    usable, left = select_activation_lines(seen)
    assert usable == ["source .venv/bin/activate"]
    assert left[-1] == "conda activate lab" and len(left) >= 2


@pytest.mark.parametrize(
    "line",
    ["source .venv/bin/activate", "source activate lab", "conda activate lab", "poetry shell", "spack load cuda"],
)
def test_a_line_that_needs_no_hook_stays(line: str) -> None:
    assert select_activation_lines(lines(line)) == ([line], [])


def test_the_hook_comes_first_however_often_it_is_used() -> None:
    texts = {f"{n}.sbatch": "#SBATCH -p gpu\nconda activate lab\npython a.py\n" for n in range(3)}
    texts["x.sbatch"] = '#SBATCH -p gpu\neval "$(conda shell.bash hook)"\nconda activate lab\npython a.py\n'
    assert activation_lines(facts_from_texts(texts), tuple(texts)).value[0].startswith("eval")
