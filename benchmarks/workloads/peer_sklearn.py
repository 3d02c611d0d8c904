"""scikit-learn's own network in as many processes as there are cores.

It has no dropout, and its penalty is one of the loss. Where there is no early stopping
it scores once per training, not after every epoch; where there is, `partial_fit` trains
an epoch and the validation rows say when to stop, as in the other peers.
"""

from __future__ import annotations

import copy
import math
import os
import warnings
from typing import Any

import work
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from work import Member, Trained, Work

os.environ["PYTHONWARNINGS"] = "ignore"  # for joblib's own processes
warnings.simplefilter("ignore")


def main() -> None:
    job = work.job()

    def call(number: int) -> list[Trained]:
        return work.in_processes(job, number, train)

    work.measure(call, job.calls, ("scikit-learn", "numpy"))


def train(data: Work, member: Member) -> Trained:
    """Train one network."""
    spec = data.spec
    rows, validation = data.folds[member.fold]
    network = MLPClassifier(
        spec.hidden,
        batch_size=spec.batch_size,
        learning_rate_init=member.values["learning_rate"],
        alpha=member.values.get("weight_decay", 0.0),
        max_iter=spec.epochs,
        tol=0.0,
        n_iter_no_change=10**6,
        early_stopping=False,
        random_state=member.seed,
    )
    x, y = data.x[rows], data.y[rows]
    held = data.x[validation], data.y[validation]
    if spec.patience is None:
        network.fit(x, y)
        return Trained(network.score(*held), network.n_iter_, int(network._optimizer.t))
    return _stopped(network, (x, y), held, spec)


def _stopped(network: Any, rows: Any, held: Any, spec: work.Workload) -> Trained:
    best, kept, wait, epochs = math.inf, network, 0, 0
    classes = list(range(spec.classes))
    while epochs < spec.epochs and wait < spec.patience:
        network.partial_fit(*rows, classes=classes)
        epochs += 1
        loss = log_loss(held[1], network.predict_proba(held[0]), labels=classes)
        if loss < best:
            weights = copy.deepcopy((network.coefs_, network.intercepts_))
            best, kept, wait = loss, weights, 0
        else:
            wait += 1
    network.coefs_, network.intercepts_ = kept
    return Trained(network.score(*held), epochs, int(network._optimizer.t))


if __name__ == "__main__":
    main()
