"""A perceptron with a soft step, on points in a plane. It prints its accuracy; that is all that it does with it."""

import argparse
import math
import random

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

random.seed(args.seed)
points = [(random.gauss(label, 1.5), random.gauss(-label, 1.5), label) for label in (-1, 1) for _ in range(200)]
random.shuffle(points)
train, test = points[:200], points[200:]

w = [0.0, 0.0, 0.0]
for epoch in range(5):
    for x, y, label in train:
        slope = label / (1 + math.exp(min(50.0, label * (w[0] * x + w[1] * y + w[2]))))
        w = [w[0] + args.lr * slope * x, w[1] + args.lr * slope * y, w[2] + args.lr * slope]
    correct = sum((w[0] * x + w[1] * y + w[2]) * label > 0 for x, y, label in test)
    print(f"epoch {epoch + 1}: val_accuracy {correct / len(test):.4f}")
