"""The names under which the code logs its numbers."""

from __future__ import annotations

import pytest

from scaffold.conventions.metrics import detect_metric_names
from scaffold.facts.model import facts_from_texts
from scaffold.metric_directions import guess_direction


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import wandb\nwandb.log({'train/loss': a, 'val/loss': b, 'lr': c})\n", ("val/loss", "train/loss", "lr")),
        ("training_stats.report('Loss/loss', loss)\n", ("Loss/loss",)),
        ("self.logger.record('eval/reward', r)\nlogger.logkv_mean('loss', x)\n", ("eval/reward", "loss")),
        ("logger.log_tabular('EpRet', with_min_and_max=True)\nreport('done')\n", ("EpRet",)),
        ("self.log('val/acc', acc)\n", ("val/acc",)),
        ("writer.add_scalar('eval/reward', r, step)\n", ("eval/reward",)),
        ("mlflow.log_metric('rmse', x)\nmlflow.log_metrics({'mae': y})\n", ("mae", "rmse")),
        ("import json\njson.dump({'accuracy': acc, 'name': 'run', 'rows': rows}, f)\n", ("accuracy",)),
        ("metrics['val_f1'] = f1\nmetrics['x'] = 1\n", ("val_f1",)),
        ("wandb.log({f'val/{name}': v, 'table': {'a': 1}})\n", ()),
        ("logger.log('info', 'hello')\nimport math\nmath.log(2)\n", ()),
    ],
)
def test_names_are_those_written_out_in_logging_calls(text: str, names: tuple[str, ...]) -> None:
    assert detect_metric_names(facts_from_texts({"train.py": text})).value == names


def test_a_results_table_of_the_readme_names_metrics() -> None:
    readme = "| Model | Top1 accuracy | FID | Walker2d |\n|---|---|---|---|\n| a | 1 | 2 | 3 |\n"
    found = detect_metric_names(facts_from_texts({"README.md": readme, "train.py": "x = 1\n"}))
    assert found.value == ("Top1 accuracy", "FID")
    assert found.evidence[0].line == 1


def test_what_the_code_logs_comes_before_what_a_table_names() -> None:
    readme = "| model | val loss | accuracy |\n|---|---|---|\n"
    texts = {"README.md": readme, "train.py": "wandb.log({'val/loss': a, 'lr': b})\n"}
    assert detect_metric_names(facts_from_texts(texts)).value == ("val/loss", "lr", "accuracy")


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("val/loss", "minimize"),
        ("val_acc", "maximize"),
        ("FID", "minimize"),
        ("episodic_return", "maximize"),
        ("mfu", None),
        ("val/perplexity", "minimize"),
    ],
)
def test_the_direction_of_a_metric(name: str, better: str | None) -> None:
    assert guess_direction(name) == better
