"""An ensemble per core: torch.func's `vmap` over the weights of its trainings.

Adam is by hand, in place, for all members at once. One thread each: two ensembles on
one thread are faster than one on two, and much faster when the machine is busy.

Every member takes every step: without the savings of early stopping, though the best
epoch of each is remembered. The folds are cut to the shortest, which leaves out a row
of some.
"""

from __future__ import annotations

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
import work
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy
from torch_models import network_of, rows_of
from work import Member, Trained, Work


def main() -> None:
    job = work.job()
    how = get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(
        job.cores, how, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:

        def call(number: int) -> list[Trained]:
            members = job.work.members(job.sample, number)
            shares = [members[i :: job.cores] for i in range(job.cores)]
            done = pool.map(ensemble, [job.work] * job.cores, shares)
            return [each for share in done for each in share]

        work.measure(call, job.calls, ("torch",))


def ensemble(data: Work, members: list[Member]) -> list[Trained]:
    """Train all members side by side."""
    spec = data.spec
    torch.manual_seed(members[0].seed)
    x, y = rows_of(data)
    folds = [data.folds[member.fold] for member in members]
    train, held = map(_tables, zip(*folds, strict=True))
    weights, _ = stack_module_state([network_of(data) for _ in members])
    network = network_of(data).to("meta")
    rate, decay, dropout = (
        torch.tensor([m.values.get(name, 0.0) for m in members])
        for name in ("learning_rate", "weight_decay", "dropout")
    )

    def loss_of(weights: Any, x: Any, y: Any, dropout: Any) -> Any:
        if "dropout" in spec.space:
            return cross_entropy(dropping(weights, x, dropout), y)
        return cross_entropy(functional_call(network, weights, (x,)), y)

    gradients = vmap(grad(loss_of), randomness="different")
    outputs_of = vmap(lambda weights, x: functional_call(network, weights, (x,)))
    adam = Adam(weights, rate, decay)
    best = torch.full((len(members),), math.inf)
    accuracy = torch.zeros(len(members))
    n_rows = train.shape[1]
    for _ in range(spec.epochs):
        order = torch.rand(len(members), n_rows).argsort(dim=1)
        shuffled = train.gather(1, order)
        for rows in shuffled.split(spec.batch_size, dim=1):
            adam.step(gradients(weights, x[rows], y[rows], dropout))
        with torch.no_grad():
            outputs = outputs_of(weights, x[held])
            each = cross_entropy(outputs.movedim(-1, 1), y[held], reduction="none")
            loss = each.mean(dim=1)
            now = (outputs.argmax(-1) == y[held]).float().mean(dim=1)
            better = loss < best if spec.patience else torch.ones_like(best, dtype=bool)
            best = torch.where(better, loss, best)
            accuracy = torch.where(better, now, accuracy)
    updates = spec.epochs * math.ceil(n_rows / spec.batch_size)
    return [Trained(each, spec.epochs, updates) for each in accuracy.tolist()]


def _tables(rows: tuple[Any, ...]) -> torch.Tensor:
    shortest = min(map(len, rows))
    return torch.stack([torch.from_numpy(each[:shortest]) for each in rows])


def dropping(weights: Any, x: Any, dropout: Any) -> Any:
    """Return the logits; nn.Dropout could not have a rate for each member."""
    first = torch.relu(x @ weights["0.weight"].T + weights["0.bias"])
    keep = (torch.rand_like(first) >= dropout).float() / (1 - dropout)
    return (first * keep) @ weights["2.weight"].T + weights["2.bias"]


class Adam:
    """Decoupled weight decay, and a learning rate for each member."""

    def __init__(self, weights: Any, rate: torch.Tensor, decay: torch.Tensor) -> None:
        self.weights = list(weights.values())
        self.names = list(weights)
        self.first = [torch.zeros_like(w) for w in self.weights]
        self.second = [torch.zeros_like(w) for w in self.weights]
        shapes = [(-1, *[1] * (w.dim() - 1)) for w in self.weights]
        self.rates = [rate.view(shape) for shape in shapes]
        self.shrink = [1 - (rate * decay).view(shape) for shape in shapes]
        self.decays = bool(decay.any())
        self.n: Any = 0

    def step(self, gradients: Any) -> None:
        """Take a step of every member."""
        self.n += 1
        self.move(gradients, 1 - 0.9**self.n, math.sqrt(1 - 0.999**self.n))

    @torch.no_grad()
    def move(self, gradients: Any, first: Any, second: Any) -> None:
        """Take a step; `first` and `second` correct the moments' bias."""
        g = [gradients[name] for name in self.names]
        torch._foreach_lerp_(self.first, g, 0.1)
        torch._foreach_mul_(self.second, 0.999)
        torch._foreach_addcmul_(self.second, g, g, 0.001)
        size = torch._foreach_sqrt(self.second)
        torch._foreach_div_(size, second)
        torch._foreach_add_(size, 1e-8)
        move = torch._foreach_div(self.first, size)
        torch._foreach_mul_(move, self.rates)
        torch._foreach_div_(move, first)
        if self.decays:
            torch._foreach_mul_(self.weights, self.shrink)
        torch._foreach_sub_(self.weights, move)


if __name__ == "__main__":
    main()
