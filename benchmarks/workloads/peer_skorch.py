"""skorch, one training after another in as many processes as there are cores.

One thread each. Where there is no early stopping it scores once per training.
"""

from __future__ import annotations

from typing import Any

import torch
import work
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split
from torch import nn
from torch_models import network_of, rows_of
from work import Member, Trained, Work


def main() -> None:
    job = work.job()

    def call(number: int) -> list[Trained]:
        return work.in_processes(job, number, train)

    work.measure(call, job.calls, ("skorch", "torch"))


def train(data: Work, member: Member) -> Trained:
    """Fit one network."""
    spec = data.spec
    torch.set_num_threads(1)
    torch.manual_seed(member.seed)
    x, y = (each.numpy() for each in rows_of(data))
    rows, validation = data.folds[member.fold]
    held = x[validation], y[validation]
    words: dict[str, Any] = {"train_split": None}
    if spec.patience is not None:
        words = {
            "train_split": predefined_split(Dataset(*held)),
            "callbacks": [EarlyStopping(patience=spec.patience, load_best=True)],
        }
    decay = member.values.get("weight_decay", 0.0)
    network = NeuralNetClassifier(
        network_of(data, member.values.get("dropout")),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW if decay else torch.optim.Adam,
        optimizer__fused=True,
        optimizer__weight_decay=decay,
        lr=member.values["learning_rate"],
        batch_size=spec.batch_size,
        max_epochs=spec.epochs,
        iterator_train__shuffle=True,
        verbose=0,
        **words,
    )
    network.fit(x[rows], y[rows])
    batches = sum(len(epoch["batches"]) for epoch in network.history)
    if spec.patience is not None:  # those of validation are listed too
        n = len(network.history)
        batches = n * -(-len(rows) // spec.batch_size)
    accuracy = float(network.score(*held))
    return Trained(accuracy, len(network.history), batches)


if __name__ == "__main__":
    main()
