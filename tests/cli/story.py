"""What the repository of the commands' tests holds."""

TRAIN = """\
import argparse, json, os, pathlib
options = argparse.ArgumentParser()
options.add_argument("--lr", type=float, default=0)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--pause", type=float, default=0)
chosen = options.parse_args()
print("trained")
loss = {"loss": round(chosen.lr + chosen.seed / 100, 4)}
pathlib.Path(os.environ["RUN_OUTPUT_DIR"], "metrics.json").write_text(json.dumps(loss))
"""
SPEC = """\
<evo_sweep>
{"target_script": "train.py", "fitness_metric": "loss", "fitness_direction": "min",
 "search_space": {"lr": [0.1, 0.2]}, "population_size": 2, "generations": 1, "sweep_name": "evo"}
</evo_sweep>
"""
