"""Tell handwritten-looking digits apart with a linear softmax classifier. Standard library only; a run takes under a second.

python train.py --seed 1 [--lr 0.03] [--shift 0] [--noise 0.35] [--epochs 12]

The digits are drawn here: a glyph of 5 x 7 pixels somewhere on a canvas of 8 x 8, with noise. `--shift 1` also trains on each image moved
by one pixel. The last row of metrics.jsonl in $RUN_OUTPUT_DIR has the final values.
"""

from __future__ import annotations

import argparse
import json
import math
import operator
import os
import random
from pathlib import Path

GLYPHS = (
    "01110 10001 10011 10101 11001 10001 01110",
    "00100 01100 00100 00100 00100 00100 01110",
    "01110 10001 00001 00110 01000 10000 11111",
    "01110 10001 00001 00110 00001 10001 01110",
    "00010 00110 01010 10010 11111 00010 00010",
    "11111 10000 11110 00001 00001 10001 01110",
    "00110 01000 10000 11110 10001 10001 01110",
    "11111 00001 00010 00100 01000 01000 01000",
    "01110 10001 10001 01110 10001 10001 01110",
    "01110 10001 10001 01111 00001 00010 01100",
)
SIDE, CLASSES = 8, len(GLYPHS)
Image = list[float]
Sample = tuple[Image, int]


def draw(digit: int, rng: random.Random, noise: float) -> Image:
    """One image: the glyph at a random place, each pixel with Gaussian noise; a constant 1 at the end."""
    top, left = rng.choice((0, 0, 1)), rng.choice((0, 1, 1, 2))
    image = [rng.gauss(0.0, noise) for _ in range(SIDE * SIDE)]
    for y, row in enumerate(GLYPHS[digit].split()):
        for x, pixel in enumerate(row):
            image[(top + y) * SIDE + left + x] += float(pixel)
    return [*image, 1.0]


def moved(image: Image, dx: int) -> Image:
    """The image moved to the right by `dx` pixels, around the edge."""
    rows = [image[y * SIDE : (y + 1) * SIDE] for y in range(SIDE)]
    return [pixel for row in rows for pixel in (*row[-dx:], *row[:-dx])] + [1.0]


def samples(count: int, rng: random.Random, noise: float) -> list[Sample]:
    """`count` images with their digits, each digit as often as every other."""
    return [(draw(i % CLASSES, rng, noise), i % CLASSES) for i in range(count)]


def probabilities(weights: list[Image], image: Image) -> list[float]:
    """What the model believes of each digit."""
    scores = [sum(map(operator.mul, row, image)) for row in weights]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def train(weights: list[Image], data: list[Sample], lr: float, rng: random.Random) -> float:
    """One pass of stochastic gradient descent; the mean loss."""
    loss = 0.0
    rng.shuffle(data)
    for image, digit in data:
        found = probabilities(weights, image)
        loss -= math.log(max(found[digit], 1e-300))
        for label, row in enumerate(weights):
            step = lr * (found[label] - (label == digit))
            if abs(step) > 1e-4:
                weights[label] = [w - step * pixel for w, pixel in zip(row, image, strict=True)]
    return loss / len(data)


def accuracy(weights: list[Image], data: list[Sample]) -> float:
    """The share of images whose digit the model finds."""
    hits = 0
    for image, digit in data:
        scores = [sum(map(operator.mul, row, image)) for row in weights]
        hits += scores.index(max(scores)) == digit
    return hits / len(data)


def main() -> None:
    """Train, and write what came out after every epoch."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--lr", type=float, default=0.03)
    options.add_argument("--shift", type=int, default=0, choices=(0, 1))
    options.add_argument("--noise", type=float, default=0.35)
    options.add_argument("--epochs", type=int, default=12)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)
    data, test = samples(120, rng, chosen.noise), samples(400, rng, chosen.noise)
    if chosen.shift:
        data += [(moved(image, dx), digit) for image, digit in data for dx in (1, -1)]
    weights = [[0.0] * (SIDE * SIDE + 1) for _ in range(CLASSES)]
    with Path(os.environ.get("RUN_OUTPUT_DIR", "."), "metrics.jsonl").open("w") as log:
        for epoch in range(1, chosen.epochs + 1):
            loss = train(weights, data, chosen.lr, rng)
            if loss > 100:
                raise ArithmeticError(f"the loss is {loss:.3g} after epoch {epoch}: training diverged")
            row = {"step": epoch, "train/loss": loss, "val/acc": accuracy(weights, test)}
            print(json.dumps(row), file=log, flush=True)
            print(f"epoch {epoch}: loss {loss:.4f}, accuracy {row['val/acc']:.4f}")


if __name__ == "__main__":
    main()
