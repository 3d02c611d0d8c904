"""What the arithmetic of a workload costs at least, on the cores of this machine.

As a script it is the process that is measured, one per core at once, with one thread:
`limit.py WORKLOAD` prints the workload's products, the rate of the best of them, and
the bandwidth with arrays as large as the model's weights.

A product of m × k and k × n is 2mkn operations. A layer makes one forward, one for the
gradient of its weights, and, unless it is the first, one for that of its inputs.
Convolutions count as the products they are: m is rows × height × width, k the size of
the kernel times the channels. Bytes of an update: Adam reads weights, gradients and two
moments, and writes weights and moments; the gradient is written once before: 8 × 4
bytes per weight.

What XLA makes of Keras's training step is told by the number of its kernels.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from here import FOLDER, OURS, machine
from work import WORKLOADS, Workload

BYTES_PER_WEIGHT = 32
_SECONDS = 0.03  # for each shape and try
_TRIES = 3
_LEAST = 2**17  # bytes; of less, the call itself would be what is timed


@dataclass(frozen=True)
class Product:
    """`times` products of m × k and k × n for a batch, in one direction."""

    m: int
    k: int
    n: int
    times: int = 1
    first: bool = False

    @property
    def forward(self) -> int:
        return 2 * self.m * self.k * self.n * self.times

    @property
    def training(self) -> int:
        return self.forward * (2 if self.first else 3)


@dataclass
class Limit:
    """Work of one training, and what all cores can do of it in a second."""

    flops_per_update: float = 0.0
    flops_of_validation_row: float = 0.0
    bytes_per_update: float = 0.0
    weights: int = 0
    shapes: list[str] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    bandwidth: list[float] = field(default_factory=list)
    kernels: int = 0

    def seconds(self, updates: float, validated: float) -> tuple[float, float]:
        """Return what operations and what bytes cost; the greater is the limit."""
        flops = updates * self.flops_per_update
        flops += validated * self.flops_of_validation_row
        moved = updates * self.bytes_per_update
        return flops / max(self.rate), moved / max(self.bandwidth)


def run(name: str) -> Limit:
    """Ask one process per core at once, and add up what they can do."""
    one_thread = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
    )
    command = [str(OURS), str(FOLDER / "limit.py"), name]
    started = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one_thread, "KERAS_BACKEND": "jax"},
        )
        for _ in range(machine.cores())
    ]
    told = [json.loads(each.communicate()[0].splitlines()[-1]) for each in started]
    limit = Limit(**told[0])
    limit.rate = [sum(rates) for rates in zip(*(t["rate"] for t in told), strict=True)]
    both = zip(*(t["bandwidth"] for t in told), strict=True)
    limit.bandwidth = [sum(each) for each in both]
    return limit


def main() -> None:
    """Be one of the processes that are measured."""
    import kernels
    from keras_models import model_of

    spec = WORKLOADS[sys.argv[1]]
    model = model_of(spec)
    products = products_of(model, spec)
    weights = model.count_params()
    limit = Limit(
        flops_per_update=sum(each.training for each in products),
        flops_of_validation_row=sum(p.forward for p in products) / spec.batch_size,
        bytes_per_update=BYTES_PER_WEIGHT * weights,
        weights=weights,
        shapes=[f"{p.m}×{p.k}×{p.n}" for p in products],
        rate=[_best_rate(products) for _ in range(_TRIES)],
        bandwidth=[_bandwidth(max(4 * weights, _LEAST)) for _ in range(_TRIES)],
        kernels=kernels.of_step(model, spec.batch_size),
    )
    print(json.dumps(vars(limit)))


def products_of(model: Any, spec: Workload) -> list[Product]:
    """Return the forward products of a batch, from the model's layers."""
    products: list[Product] = []
    for layer in model.layers:
        kind = type(layer).__name__
        first = not products
        if kind == "Dense":
            lead = math.prod(layer.output.shape[1:-1])
            k, n = layer.kernel.shape
            products.append(Product(spec.batch_size * lead, k, n, first=first))
        elif kind == "Conv2D":
            height, width, n = layer.output.shape[1:]
            k = math.prod(layer.kernel.shape[:-1])
            m = spec.batch_size * height * width
            products.append(Product(m, k, n, first=first))
        elif kind == "MultiHeadAttention":
            _, length, width = layer.output.shape
            heads, size = layer.num_heads, layer.key_dim
            around = Product(spec.batch_size * length, width, heads * size, times=4)
            pairs = spec.batch_size * heads
            products += [
                around,
                Product(length, size, length, times=pairs),
                Product(length, length, size, times=pairs),
            ]
    return products


def _best_rate(products: list[Product]) -> float:
    """Return operations per second of the fastest of the products, forward or back."""
    shapes = {
        shape
        for p in products
        for shape in ((p.m, p.k, p.n), (p.k, p.m, p.n), (p.m, p.n, p.k))
    }
    return max(_rate(*shape) for shape in sorted(shapes))


def _rate(m: int, k: int, n: int) -> float:
    """Return the rate of NumPy's sgemm; small ones by the dozen, to hide the call."""
    dozen = max(1, min(16, 2_000_000 // (m * k + k * n + m * n)))
    rng = np.random.default_rng(0)
    a = rng.normal(size=(dozen, m, k)).astype(np.float32)
    b = rng.normal(size=(dozen, k, n)).astype(np.float32)
    out = np.empty((dozen, m, n), np.float32)
    seconds = _fastest(lambda: np.matmul(a, b, out=out))
    return 2 * dozen * m * k * n / seconds


def _bandwidth(size: int) -> float:
    """Return bytes per second of an update that reads and writes `size` bytes each."""
    weights, step = (np.zeros(size // 4, np.float32) for _ in range(2))
    seconds = _fastest(lambda: np.add(weights, step, out=weights))
    return 3 * size / seconds


def _fastest(call: Any) -> float:
    call()
    best, until = math.inf, time.perf_counter() + _SECONDS
    while time.perf_counter() < until:
        before = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - before)
    return best


if __name__ == "__main__":
    main()
