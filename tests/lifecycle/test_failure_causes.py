"""What the line of a log that says what went wrong stands for."""

from __future__ import annotations

import pytest

from scaffold.lifecycle.baseline_trial import _problem, find_known_failure_cause


@pytest.mark.parametrize(
    ("problem", "hint", "began"),
    [
        ("OSError: lib/libtorch.so: cannot open shared object file: No such file or directory", "damaged", False),
        ("ImportError: /x/_C.so: undefined symbol: _ZN3c10", "damaged", False),
        ("ImportError: /lib64/libm.so.6: version `GLIBC_2.29' not found (required by x)", "damaged", False),
        ("ModuleNotFoundError: No module named 'torch'", "setup_env.sh", False),
        ("train.py: error: unrecognized arguments: --lr", "another version", False),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'data/train.bin'", "bring the data", True),
        ("RuntimeError: CUDA error: no kernel image", "GPU", True),
    ],
)
def test_each_failure_has_its_next_step(problem: str, hint: str, began: bool) -> None:
    cause = find_known_failure_cause(problem)
    assert cause is not None
    assert hint in cause.hint
    assert cause.began == began


def test_an_unknown_failure_has_none() -> None:
    assert find_known_failure_cause("AssertionError: 3") is None


def test_the_cause_of_hydras_failure_is_not_its_last_line() -> None:
    log = (
        "In 'hydra/job_logging/custom': Could not load 'hydra/job_logging/colorlog'.\n\nConfig search path:\n"
        "\tprovider=hydra, path=pkg://hydra.conf\n\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.\n"
    )
    problem = _problem(log)
    cause = find_known_failure_cause(problem)
    assert problem == "In 'hydra/job_logging/custom': Could not load 'hydra/job_logging/colorlog'."
    assert cause is not None
    assert "setup_env.sh" in cause.hint
