"""Who competes where, and how many of the trainings each one makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from here import OURS, TENSORFLOW, THEIRS
from work import W1, W2, W3, W4, W5, W6, W7

HOMEROOM, PRUNED = "Homeroom", "Homeroom, hopeless trials given up"
PLAIN = "Keras loop"
LOOPS = (  # the faster one of a workload is its tuned loop
    "Keras loop, JAX cache, steps_per_execution=1",
    "Keras loop, JAX cache, steps_per_execution=all",
)
ON_TENSORFLOW = "Keras loop on TensorFlow"
TUNER = "KerasTuner"
SKLEARN = "scikit-learn MLPClassifier"
SKORCH = "skorch"
TORCH = "torch by hand, a process per core"
VMAP = "torch.func ensemble"
PYTABKIT = "pytabkit RealMLP"
LIGHTGBM = "LightGBM cv"


@dataclass(frozen=True)
class Peer:
    """How one competitor is started; a `sample` of 0 is all trainings."""

    name: str
    script: str
    sample: int = 0
    variant: str = ""
    python: Path = THEIRS
    environment: tuple[tuple[str, str], ...] = ()
    installed_by: str = "make bench-peers"
    same_model: bool = True


# Each call of a slow peer is to last about three seconds on two cores; what is needed
# for all trainings is extrapolated, and the page says how many were made.
SHARES: dict[str, dict[str, int]] = {
    HOMEROOM: {W1: 0, W2: 0, W3: 10, W4: 10, W5: 10, W6: 0, W7: 0},
    PRUNED: {W6: 0},
    PLAIN: {W1: 2, W2: 3, W3: 1, W4: 1, W5: 1, W6: 0, W7: 2},
    LOOPS[0]: {W1: 3, W2: 10, W3: 1, W4: 1, W5: 1, W6: 0, W7: 4},
    LOOPS[1]: {W1: 3, W2: 10, W3: 1, W4: 1, W5: 1, W6: 0, W7: 4},
    ON_TENSORFLOW: {W1: 1, W2: 1, W3: 1, W4: 1, W5: 1, W6: 2, W7: 1},
    TUNER: {W1: 3, W2: 10},
    SKLEARN: {W1: 4, W2: 20, W3: 2, W7: 10},
    SKORCH: {W1: 4, W2: 20, W3: 2, W7: 4},
    TORCH: {W1: 8, W2: 20, W3: 2, W4: 2, W5: 4, W7: 8},
    VMAP: {W1: 24, W2: 0, W7: 40},
    PYTABKIT: {W2: 10},
    LIGHTGBM: {W2: 20, W3: 5},
}
_JAX = (("KERAS_BACKEND", "jax"),)
_TENSORFLOW = (("KERAS_BACKEND", "tensorflow"), ("TF_CPP_MIN_LOG_LEVEL", "3"))
_STARTED: dict[str, dict[str, object]] = {
    HOMEROOM: {"script": "peer_homeroom.py", "python": OURS},
    PRUNED: {"script": "peer_homeroom.py", "python": OURS, "variant": "pruned"},
    PLAIN: {"script": "peer_keras.py", "python": OURS, "variant": "1"},
    LOOPS[0]: {"script": "peer_keras.py", "python": OURS, "variant": "1+cache"},
    LOOPS[1]: {"script": "peer_keras.py", "python": OURS, "variant": "all+cache"},
    # more steps per execution are unrolled and traced for every model: far slower
    ON_TENSORFLOW: {
        "script": "peer_keras.py",
        "python": TENSORFLOW,
        "variant": "1",
        "environment": _TENSORFLOW,
        "installed_by": "make bench-tensorflow",
    },
    TUNER: {"script": "peer_tuner.py", "environment": _JAX},
    SKLEARN: {"script": "peer_sklearn.py", "python": OURS},
    SKORCH: {"script": "peer_skorch.py"},
    TORCH: {"script": "peer_torch.py"},
    VMAP: {"script": "peer_vmap.py"},
    PYTABKIT: {"script": "peer_pytabkit.py", "same_model": False},
    LIGHTGBM: {"script": "peer_lightgbm.py", "same_model": False},
}


def peers_of(workload: str) -> list[Peer]:
    """Return the competitors of a workload; Homeroom is the first."""
    return [
        Peer(name=name, sample=shares[workload], **_STARTED[name])  # type: ignore[arg-type]
        for name, shares in SHARES.items()
        if workload in shares
    ]
