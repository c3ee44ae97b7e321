"""The metric that the main script decides by; open where several may be meant."""

from __future__ import annotations

import pytest

from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts

MAIN = "\nif __name__ == '__main__':\n    main()\n"
NANO = """
print(f"step {i}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
wandb.log({"iter": i, "train/loss": losses['train'], "val/loss": losses['val'], "mfu": mfu})
if losses['val'] < best_val_loss:
    best_val_loss = losses['val']
"""


@pytest.mark.parametrize(
    ("texts", "name", "direction"),
    [
        ({"train.py": NANO}, "val/loss", "minimize"),
        (
            {"train.py": "best = max(best_acc, val_acc)\nprint(f'val_acc {val_acc} test_acc {t}')"},
            "val_acc",
            "maximize",
        ),
        (
            {"train.py": "ModelCheckpoint(monitor='val/acc', mode='max')\nself.log('val/loss', x)"},
            "val/acc",
            "maximize",
        ),
        ({"train.py": "x = 1", "configs/config.yaml": "cb:\n  monitor: val/f1\n  mode: max\n"}, "val/f1", "maximize"),
        ({"train.py": "print(f'val_bpb: {x:.6f}')\nprint(f'loss: {y:.3f}')"}, "val_bpb", "minimize"),
        # the code's own comparison beats the name
        (
            {"train.py": "if val_score < best_val_score:\n  pass\nprint(f'val_score {val_score:.3f}')"},
            "val_score",
            "minimize",
        ),
        # several may be meant: none of them
        ({"train.py": "print(f'val_loss {a:.2f} val_acc {b:.2f}')"}, None, None),
        ({"train.py": "wandb.log({'test/acc': a, 'test/f1': b})"}, None, None),
        # the loss of the training alone, images, times and spikes are no results
        ({"train.py": "wandb.log({'loss': a, 'Examples': images, 'time/epoch_time': t, 'spike_rate': s})"}, None, None),
        # of another script than the main one
        ({"train.py": "print('done')", "eval/other.py": "wandb.log({'val/acc': a})" + MAIN}, None, None),
    ],
)
def test_the_primary_metric(texts: dict[str, str], name: str | None, direction: str | None) -> None:
    texts = {path: text + (MAIN if path == "train.py" else "") for path, text in texts.items()}
    choice = derive_conventions(facts_from_texts(texts)).primary_metric
    assert (choice.name, choice.direction) == (name, direction)


def test_an_open_choice_names_candidates_with_their_lines() -> None:
    text = "print(f'val_loss {a:.2f}')\nprint(f'val_acc {b:.2f}')" + MAIN
    choice = derive_conventions(facts_from_texts({"train.py": text})).primary_metric
    assert sorted(choice.candidates) == ["val_acc (train.py:2)", "val_loss (train.py:1)"]


def test_settings_that_the_main_script_composes_decide() -> None:
    main = "@hydra.main(config_path='configs', config_name='config')\ndef main(cfg):\n    pass\n" + MAIN
    texts = {
        "train.py": main,
        "configs/config.yaml": "defaults:\n  - task: cifar\n",
        "configs/task/cifar.yaml": "train:\n  monitor: val/accuracy\n  mode: max\n",
        "configs/task/text.yaml": "train:\n  monitor: val/loss\n",
    }
    choice = derive_conventions(facts_from_texts(texts)).primary_metric
    assert (choice.name, choice.direction) == ("val/accuracy", "maximize")
