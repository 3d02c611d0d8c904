"""pytabkit's RealMLP: all folds as one vectorised network. Not the same model.

It has as many layers, units, epochs and rows per batch as the workload's, and its own
preprocessing, activations, schedules and folds of equal length.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
import work
from pytabkit import RealMLP_TD_Classifier
from work import Job, Trained

warnings.simplefilter("ignore")


def main() -> None:
    job = work.job()
    work.measure(lambda number: search(job, number), job.calls, ("pytabkit", "torch"))


def search(job: Job, number: int) -> list[Trained]:
    """Train configurations in turn, each on all folds at once."""
    data, spec = job.work, job.work.spec
    torch.set_num_threads(job.cores)
    n_folds = len(data.folds)
    n = job.sample // n_folds or len(spec.configurations)
    shortest = min(len(held) for _, held in data.folds)
    held = np.stack([rows[:shortest] for _, rows in data.folds])
    n_train = len(data.x) - shortest
    updates = spec.epochs * math.ceil(n_train / spec.batch_size)
    done = []
    for values in spec.configurations[:n]:
        network = RealMLP_TD_Classifier(
            device="cpu",
            random_state=number,
            n_cv=n_folds,
            n_threads=job.cores,
            n_epochs=spec.epochs,
            batch_size=spec.batch_size,
            hidden_sizes=list(spec.hidden),
            lr=values["learning_rate"],
        )
        network.fit(data.x, data.y, val_idxs=held)
        answers = network.predict_proba_ensemble(data.x).argmax(axis=-1)
        done += [
            Trained(float((mine[rows] == data.y[rows]).mean()), spec.epochs, updates)
            for mine, rows in zip(answers, held, strict=True)
        ]
    return done


if __name__ == "__main__":
    main()
