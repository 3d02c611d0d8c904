"""LightGBM's `cv`: what else is done with tables. Trees, so not the same model.

A configuration is a learning rate of trees, one for each of the workload's; an
"epoch" and an update are a round of boosting.
"""

from __future__ import annotations

import lightgbm
import numpy as np
import work
from work import Job, Trained

ROUNDS = 100


def main() -> None:
    job = work.job()
    work.measure(
        lambda number: search(job, number), job.calls, ("lightgbm", "scikit-learn")
    )


def search(job: Job, number: int) -> list[Trained]:
    """Cross-validate configurations in turn, whole ones."""
    data, done = job.work, []
    n_folds = len(data.folds)
    n = job.sample // n_folds or len(data.spec.configurations)
    for rate in np.geomspace(0.02, 0.3, n):
        found = lightgbm.cv(
            {
                "objective": "binary",
                "metric": "binary_error",
                "learning_rate": rate,
                "num_threads": job.cores,
                "seed": number,
                "verbosity": -1,
            },
            lightgbm.Dataset(data.x, data.y),
            num_boost_round=ROUNDS,
            folds=data.folds,
        )
        accuracy = 1 - found["valid binary_error-mean"][-1]
        done += [Trained(float(accuracy), ROUNDS, ROUNDS)] * n_folds
    return done


if __name__ == "__main__":
    main()
