"""scikit-learn's own network. It scores once per fold, not after every epoch.

The variant is the number of processes. The L2 penalty is off, as in the other peers.
"""

from __future__ import annotations

import os
import warnings

import workload
from workload import Done

os.environ["PYTHONWARNINGS"] = "ignore"  # for joblib's own processes
warnings.simplefilter("ignore")


def main() -> None:
    from sklearn.model_selection import cross_validate
    from sklearn.neural_network import MLPClassifier

    options = workload.arguments()
    work = workload.read(options.data)
    network = MLPClassifier(
        (workload.HIDDEN,),
        batch_size=workload.BATCH_SIZE,
        learning_rate_init=workload.LEARNING_RATE,
        max_iter=workload.EPOCHS,
        alpha=0.0,
        tol=0.0,
        n_iter_no_change=10**6,
        early_stopping=False,
        random_state=0,
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
        )
        updates = sum(fitted._optimizer.t for fitted in result["estimator"])
        return Done(float(result["test_score"].mean()), int(updates))

    workload.measure(call, options.calls, ("scikit-learn", "numpy"))


if __name__ == "__main__":
    main()
