"""skorch under scikit-learn's `cross_validate`; scores once per fold.

The variant is the number of processes. One thread each: with so small a network two
are no faster, and many times slower when the machine has other work.
"""

from __future__ import annotations

import torch
import workload
from sklearn.model_selection import cross_validate
from skorch import NeuralNetClassifier
from torch import nn
from workload import Done


def main() -> None:
    options = workload.arguments()
    work = workload.read(options.data)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = NeuralNetClassifier(
        nn.Sequential(
            nn.Linear(64, workload.HIDDEN),
            nn.ReLU(),
            nn.Linear(workload.HIDDEN, workload.CLASSES),
        ),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        optimizer__fused=True,
        lr=workload.LEARNING_RATE,
        batch_size=workload.BATCH_SIZE,
        max_epochs=workload.EPOCHS,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )

    def call() -> Done:
        result = cross_validate(
            network,
            work.x,
            work.y,
            cv=work.folds,
            scoring="accuracy",
            n_jobs=int(options.variant),
            return_estimator=True,
            error_score="raise",
        )
        updates = sum(
            len(epoch["batches"])
            for fitted in result["estimator"]
            for epoch in fitted.history
        )
        return Done(float(result["test_score"].mean()), updates)

    workload.measure(call, options.calls, ("skorch", "torch", "scikit-learn"))


if __name__ == "__main__":
    main()
