"""Who competes where, and how many of the trainings each one makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from here import OURS, TENSORFLOW, THEIRS
from work import W1, W2, W3, W4, W5, W6, W7

HOMEROOM, PRUNED = "Homeroom", "Homeroom, hopeless trials given up"
WAVES = "Homeroom, HOMEROOM_PLAN=waves"
PLAIN = "Keras loop"
LOOPS = (  # the faster one of a workload is its tuned loop
    "Keras loop, JAX cache, steps_per_execution=1",
    "Keras loop, JAX cache, steps_per_execution=all",
)
SKLEARN = "scikit-learn MLPClassifier"
TORCH = "torch by hand, a process per core"
ENSEMBLE = "torch.func ensemble"
_ON_JAX = (("KERAS_BACKEND", "jax"),)
_ON_TENSORFLOW = (("KERAS_BACKEND", "tensorflow"), ("TF_CPP_MIN_LOG_LEVEL", "3"))


@dataclass(frozen=True)
class Peer:
    """How one competitor is started, and its trainings by workload; 0 is all.

    Each call of a slow peer is to last about three seconds on two cores: what all
    trainings take is extrapolated, and the page says how many were made.
    """

    name: str
    script: str
    shares: dict[str, int]
    variant: str = ""
    python: Path = THEIRS
    environment: tuple[tuple[str, str], ...] = ()
    installed_by: str = "make bench-peers"
    same_model: bool = True


def _loop(name: str, variant: str, shares: dict[str, int]) -> Peer:
    return Peer(name, "peer_keras.py", shares, variant, OURS, _ON_JAX)


_CACHED = {W1: 2, W2: 5, W3: 1, W6: 0, W7: 3}
PEERS = (
    Peer(
        HOMEROOM,
        "peer_homeroom.py",
        {W1: 0, W2: 0, W3: 10, W4: 0, W5: 10, W6: 0, W7: 0},
        python=OURS,
    ),
    Peer(PRUNED, "peer_homeroom.py", {W6: 0}, "pruned", OURS),
    Peer(
        WAVES,
        "peer_homeroom.py",
        {W2: 0},
        python=OURS,
        environment=(("HOMEROOM_PLAN", "waves"),),
    ),
    _loop(PLAIN, "1", {W1: 1, W2: 2, W3: 1, W4: 1, W5: 1, W6: 0, W7: 2}),
    _loop(LOOPS[0], "1+cache", {**_CACHED, W4: 1, W5: 1}),
    _loop(LOOPS[1], "all+cache", _CACHED),
    Peer(
        "Keras loop on TensorFlow",
        "peer_keras.py",
        {W1: 1, W4: 1},
        "1",
        TENSORFLOW,
        _ON_TENSORFLOW,
        "make bench-tensorflow",
    ),
    Peer("KerasTuner", "peer_tuner.py", {W1: 1, W2: 2}, environment=_ON_JAX),
    Peer(SKLEARN, "peer_sklearn.py", {W1: 4, W2: 20, W3: 2, W7: 10}, python=OURS),
    Peer("skorch", "peer_skorch.py", {W1: 2, W2: 10, W3: 1}),
    Peer(TORCH, "peer_torch.py", {W1: 6, W2: 20, W3: 2, W4: 2, W5: 4, W7: 8}),
    Peer(ENSEMBLE, "peer_vmap.py", {W1: 12, W2: 0, W7: 20}),
    Peer("pytabkit RealMLP", "peer_pytabkit.py", {W2: 10}, same_model=False),
    Peer("LightGBM cv", "peer_lightgbm.py", {W2: 20, W3: 5}, same_model=False),
)


def peers_of(workload: str) -> list[Peer]:
    """Return the competitors of a workload; Homeroom is the first."""
    return [peer for peer in PEERS if workload in peer.shares]
