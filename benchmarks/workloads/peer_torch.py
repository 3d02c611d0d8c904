"""A careful loop by hand in torch, in as many processes as there are cores.

Rows are tensors, batches are views, Adam is fused, one thread per process, no
measures of the training rows; the processes live on between calls.
"""

from __future__ import annotations

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
import work
from torch import nn
from torch_models import network_of, rows_of
from work import Member, Trained, Work

here: dict[str, Any] = {}  # what a process of the pool keeps


def main() -> None:
    job = work.job()
    # A forked process has torch already; elsewhere it must import it again.
    how = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(
        job.cores, how, initializer=prepare, initargs=(job.work,)
    ) as pool:
        work.measure(
            lambda n: list(pool.map(train, job.work.members(job.sample, n))),
            job.calls,
            ("torch",),
        )


def prepare(data: Work) -> None:
    """Give a process its rows."""
    torch.set_num_threads(1)
    here["work"], here["rows"] = data, rows_of(data)


def train(member: Member) -> Trained:
    """Train one network; with patience, keep its best weights."""
    data, (x, y) = here["work"], here["rows"]
    spec = data.spec
    torch.manual_seed(member.seed)
    train_rows, validation = (torch.from_numpy(r) for r in data.folds[member.fold])
    train_x, train_y = x[train_rows], y[train_rows]
    held_x, held_y = x[validation], y[validation]
    network = network_of(data, member.values.get("dropout"))
    decay = member.values.get("weight_decay", 0.0)
    make = torch.optim.AdamW if decay else torch.optim.Adam
    optimizer = make(
        network.parameters(), member.values["learning_rate"], fused=True,
        weight_decay=decay,
    )  # fmt: skip
    loss_of = nn.CrossEntropyLoss()
    best, accuracy, wait, epochs, updates = math.inf, 0.0, 0, 0, 0
    kept: list[torch.Tensor] = []
    while epochs < spec.epochs and wait < (spec.patience or spec.epochs):
        network.train()
        order = torch.randperm(len(train_rows))
        for batch_x, batch_y in zip(
            train_x[order].split(spec.batch_size),
            train_y[order].split(spec.batch_size),
            strict=True,
        ):
            optimizer.zero_grad(set_to_none=True)
            loss_of(network(batch_x), batch_y).backward()
            optimizer.step()
            updates += 1
        epochs += 1
        loss, now = _measured(network, held_x, held_y)
        if spec.patience is None:
            accuracy = now
        elif loss < best:
            best, accuracy, wait = loss, now, 0
            kept = [each.detach().clone() for each in network.parameters()]
        else:
            wait += 1
    if kept:
        with torch.no_grad():
            for weights, better in zip(network.parameters(), kept, strict=True):
                weights.copy_(better)
    return Trained(accuracy, epochs, updates)


def _measured(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor
) -> tuple[float, float]:
    """Return loss and accuracy of validation rows, by the hundreds."""
    network.eval()
    with torch.no_grad():
        outputs = torch.cat([network(part) for part in x.split(512)])
        loss = nn.functional.cross_entropy(outputs, y).item()
        return loss, (outputs.argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    main()
