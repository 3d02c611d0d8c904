"""A careful loop by hand in torch: rows as tensors, batches are views, fused Adam.

The variant is "sequential" (one fold after another) or "processes" (one process per
core; they live on between calls). One thread each: with so small a network two are no
faster, and many times slower when the machine has other work.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
import workload
from torch import nn
from workload import Done, Pair, Work


def train_fold(work: Work, fold: Pair, seed: int) -> tuple[float, int]:
    """Train one fold; return its last validation accuracy and its updates."""
    torch.manual_seed(seed)
    x, y = torch.from_numpy(work.x), torch.from_numpy(work.y)
    train, validation = (torch.from_numpy(rows) for rows in fold)
    train_x, train_y = x[train], y[train]
    validation_x, validation_y = x[validation], y[validation]
    model = nn.Sequential(
        nn.Linear(64, workload.HIDDEN),
        nn.ReLU(),
        nn.Linear(workload.HIDDEN, workload.CLASSES),
    )
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(
        model.parameters(), lr=workload.LEARNING_RATE, fused=True
    )
    history: list[tuple[float, float, float, float]] = []
    updates = 0
    for _ in range(workload.EPOCHS):
        order = torch.randperm(len(train))
        batches_x = train_x[order].split(workload.BATCH_SIZE)
        batches_y = train_y[order].split(workload.BATCH_SIZE)
        total, correct = torch.zeros(()), torch.zeros(())
        for batch_x, batch_y in zip(batches_x, batches_y, strict=True):
            optimizer.zero_grad(set_to_none=True)
            outputs = model(batch_x)
            loss = loss_of(outputs, batch_y)
            loss.backward()
            optimizer.step()
            updates += 1
            with torch.no_grad():
                total += loss * len(batch_y)
                correct += (outputs.argmax(1) == batch_y).sum()
        with torch.no_grad():
            outputs = model(validation_x)
            history.append((
                (total / len(train)).item(),
                (correct / len(train)).item(),
                loss_of(outputs, validation_y).item(),
                (outputs.argmax(1) == validation_y).float().mean().item(),
            ))
    return history[-1][-1], updates


def main() -> None:
    options = workload.arguments()
    work = workload.read(options.data)
    n = len(work.folds)
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()

    def gather(results: list[tuple[float, int]]) -> Done:
        scores, updates = zip(*results, strict=True)
        return Done(float(np.mean(scores)), sum(updates))

    if options.variant == "sequential":
        torch.set_num_threads(1)
        one_by_one = map
        workload.measure(
            lambda: gather(
                list(one_by_one(train_fold, [work] * n, work.folds, range(n)))
            ),
            options.calls,
            ("torch",),
        )
        return
    # A forked process has torch already; elsewhere it must import it again.
    how = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(
        cores, how, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        workload.measure(
            lambda: gather(
                list(pool.map(train_fold, [work] * n, work.folds, range(n)))
            ),
            options.calls,
            ("torch",),
        )


if __name__ == "__main__":
    main()
