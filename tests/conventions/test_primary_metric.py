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
        # names that the module spells out: constants, f-strings of what a name stands for, dictionaries that are logged later
        ({"train.py": "KEY = 'val/acc'\nwandb.log({KEY: a, 'lr': b})"}, "val/acc", "maximize"),
        (
            {"train.py": "def log(split='train'):\n  wandb.log({f'{split}/acc': a})\nlog(split='val')"},
            "val/acc",
            "maximize",
        ),
        ({"train.py": "for s in ('train', 'val'):\n  writer.add_scalar(f'{s}/acc', a)"}, "val/acc", "maximize"),
        (
            {
                "train.py": "names = ['success']\nout = {}\nfor k in i:\n  if k in names:\n    out[f'evaluation/{k}'] = 1\nwandb.log(out)"
            },
            "evaluation/success",
            "maximize",
        ),
        ({"train.py": "row = {'val_acc': a, 'lr': b}\nwandb.log(row)"}, "val_acc", "maximize"),
        ({"train.py": "metrics = {}\nmetrics.update({'val/f1': a})\nwandb.log(metrics)"}, "val/f1", "maximize"),
        ({"train.py": "metrics = {}\nmetrics.update(val_f1=a)\nwandb.log(metrics)"}, "val_f1", "maximize"),
        ({"train.py": "MONITOR = 'val/acc'\nlogger.add({'acc': a}, prefix='val')"}, "val/acc", "maximize"),
        # Hugging Face's names and directions
        ({"train.py": "TrainingArguments(metric_for_best_model='f1')"}, "eval_f1", "maximize"),
        (
            {"train.py": "TrainingArguments(metric_for_best_model='wer', greater_is_better=False)"},
            "eval_wer",
            "minimize",
        ),
        # settings of sweeps, defaults of settings, what the README says
        ({"train.py": "x = 1", "sweep.yaml": "metric: {name: val/f1, goal: maximize}\n"}, "val/f1", "maximize"),
        ({"train.py": "c = {'metric': {'name': 'val_f1', 'goal': 'maximize'}}\nwandb.sweep(c)"}, "val_f1", "maximize"),
        ({"train.py": "class C:\n    best_checkpoint_metric: str = field(default='loss')\n"}, "loss", "minimize"),
        (
            {"train.py": "x = 1", "README.md": "Higher `fitness_score` values are better.\n"},
            "fitness_score",
            "maximize",
        ),
        (
            {
                "train.py": "wandb.log({'val/acc': a, 'val/f1': b})",
                "README.md": "| Model | Val F1 |\n|---|---|\n| a | 1 |\n",
            },
            "val/f1",
            "maximize",
        ),
        (
            {"train.py": "wandb.log({'imagenet-zeroshot-val-top1': a, 'imagenet-zeroshot-val-top5': b})"},
            "imagenet-zeroshot-val-top1",
            "maximize",
        ),
        # a library without a script: what it keeps the best of
        (
            {
                "lib.py": "class T:\n  def f(self):\n    if self.best_fid > fid_score:\n      pass\n    print(f'fid_score: {fid_score}')\n"
            },
            "fid_score",
            "minimize",
        ),
        ({"lib.py": "class T:\n  def f(self):\n    print(f'val_acc: {a:.2f}')\n"}, None, None),
        (
            {
                "train.py": "logging.info('Validation Dice score: {}'.format(s))\nrun.log({'validation Dice': s})\nscheduler.step(s)\n"
            },
            "validation Dice",
            "maximize",
        ),
        (
            {"train.py": "progress_bar(i, n, 'Loss: %.3f | Acc: %.3f%%' % (l, a))\nif acc > best_acc:\n  pass"},
            "Acc",
            "maximize",
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
    texts = {path: f"{text}\n{MAIN}" if path == "train.py" else text for path, text in texts.items()}
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
