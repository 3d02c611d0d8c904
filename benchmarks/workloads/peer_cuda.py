"""torch on a GPU: a training at a time, or (variant "ensemble") all side by side.

A step is captured as a CUDA graph, which costs one launch, and the graphs are kept from
call to call. Products may use TF32, as JAX's do. One at a time: fused Adam, and the
best weights are kept. Side by side: `vmap` over the weights, Adam by hand for all at
once, every member takes every step, though the best epoch of each is remembered; folds
are cut to the shortest, which leaves out a row of some.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import peer_vmap
import torch
import work
from peer_vmap import dropping
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy
from torch_models import network_of, rows_of
from work import Member, Trained, Work

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True
    job = work.job()
    x, y = (each.to(GPU) for each in rows_of(job.work))
    if job.variant == "ensemble":
        ensemble = Ensemble(job.work, x, y)
        work.measure(
            lambda n: ensemble.train(job.work.members(job.sample, n)),
            job.calls,
            ("torch",),
        )
        return
    alone: dict[tuple[float | None, float], Alone] = {}

    def train(member: Member) -> Trained:
        # what the graph has as constants: these have graphs of their own
        key = member.values.get("dropout"), member.values.get("weight_decay", 0.0)
        if key not in alone:
            alone[key] = Alone(job.work, x, y, *key)
        return alone[key].train(member)

    work.measure(
        lambda n: list(map(train, job.work.members(job.sample, n))),
        job.calls,
        ("torch",),
    )


class Graph:
    """A function of one tensor, captured; what it writes to is its own affair."""

    def __init__(self, function: Callable[[Any], Any], like: Any) -> None:
        self.given = torch.zeros_like(like)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                function(self.given)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self.result = function(self.given)

    def __call__(self, given: Any) -> Any:
        self.given.copy_(given)
        self._graph.replay()
        return self.result


class Alone:
    """One network, given fresh weights for each training."""

    def __init__(
        self, data: Work, x: Any, y: Any, dropout: float | None, decay: float
    ) -> None:
        self.data, self.x, self.y, self.dropout = data, x, y, dropout
        self.network = network_of(data, dropout).to(GPU)
        make = torch.optim.AdamW if decay else torch.optim.Adam
        self.optimizer = make(
            self.network.parameters(), torch.tensor(1e-3, device=GPU),
            fused=True, capturable=True, weight_decay=decay,
        )  # fmt: skip
        self.steps: dict[int, Graph] = {}
        self.measures: dict[int, Graph] = {}

    def train(self, member: Member) -> Trained:
        spec = self.data.spec
        rows, held = (torch.from_numpy(r).to(GPU) for r in self.data.folds[member.fold])
        sizes = {len(part) for part in rows.split(spec.batch_size)}
        self.network.train()
        for size in sizes - set(self.steps):
            self.steps[size] = Graph(self._step, rows[:size])
        self.network.eval()
        if len(held) not in self.measures:
            self.measures[len(held)] = Graph(self._measure, held)
        self._begin(member)
        best, accuracy, wait, epochs, updates = math.inf, 0.0, 0, 0, 0
        kept: list[torch.Tensor] = []
        while epochs < spec.epochs and wait < (spec.patience or spec.epochs):
            order = torch.randperm(len(rows), device=GPU)
            for part in rows[order].split(spec.batch_size):
                self.steps[len(part)](part)
                updates += 1
            epochs += 1
            loss, now = self.measures[len(held)](held).tolist()
            if spec.patience is None:
                accuracy = now
            elif loss < best:
                best, accuracy, wait = loss, now, 0
                kept = [each.detach().clone() for each in self.network.parameters()]
            else:
                wait += 1
        if kept:
            with torch.no_grad():
                torch._foreach_copy_(list(self.network.parameters()), kept)
        return Trained(accuracy, epochs, updates)

    def _begin(self, member: Member) -> None:
        torch.manual_seed(member.seed)
        fresh = network_of(self.data, self.dropout)
        with torch.no_grad():
            for mine, new in zip(
                self.network.parameters(), fresh.parameters(), strict=True
            ):
                mine.copy_(new)
            for state in self.optimizer.state.values():
                for each in state.values():
                    each.zero_()
            self.optimizer.param_groups[0]["lr"].fill_(member.values["learning_rate"])

    def _step(self, rows: Any) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        cross_entropy(self.network(self.x[rows]), self.y[rows]).backward()
        self.optimizer.step()

    @torch.no_grad()
    def _measure(self, rows: Any) -> Any:
        outputs, y = self.network(self.x[rows]), self.y[rows]
        right = (outputs.argmax(1) == y).float().mean()
        return torch.stack([cross_entropy(outputs, y), right])


class Ensemble:
    """As many networks as the first call trains."""

    def __init__(self, data: Work, x: Any, y: Any) -> None:
        self.data, self.x, self.y = data, x, y
        self.weights: dict[str, Any] = {}

    def train(self, members: list[Member]) -> list[Trained]:
        spec = self.data.spec
        torch.manual_seed(members[0].seed)
        folds = [self.data.folds[member.fold] for member in members]
        train, held = map(_tables, zip(*folds, strict=True))
        fresh, _ = stack_module_state([network_of(self.data) for _ in members])
        rate, decay, dropout = (
            torch.tensor([m.values.get(name, 0.0) for m in members], device=GPU)
            for name in ("learning_rate", "weight_decay", "dropout")
        )
        if not self.weights:
            self._capture(fresh, train, held, rate, decay, dropout)
        with torch.no_grad():
            for name, value in fresh.items():
                self.weights[name].copy_(value)
        self.adam.begin(rate, decay)
        self.dropout.copy_(dropout)
        best = torch.full((len(members),), math.inf, device=GPU)
        accuracy = torch.zeros(len(members), device=GPU)
        n_rows = train.shape[1]
        for _ in range(spec.epochs):
            order = torch.rand(len(members), n_rows, device=GPU).argsort(dim=1)
            for rows in train.gather(1, order).split(spec.batch_size, dim=1):
                self.steps[rows.shape[1]](rows)
            loss, now = self.measure(held)
            better = loss < best if spec.patience else torch.ones_like(best, dtype=bool)
            best = torch.where(better, loss, best)
            accuracy = torch.where(better, now, accuracy)
        updates = spec.epochs * math.ceil(n_rows / spec.batch_size)
        return [Trained(each, spec.epochs, updates) for each in accuracy.tolist()]

    def _capture(
        self, fresh: Any, train: Any, held: Any, rate: Any, decay: Any, dropout: Any
    ) -> None:
        self.weights = {k: v.detach().to(GPU) for k, v in fresh.items()}
        self.adam = Adam(self.weights, rate, decay)
        self.dropout = dropout.clone()
        network = network_of(self.data).to("meta")
        drops = "dropout" in self.data.spec.space

        def loss_of(weights: Any, x: Any, y: Any, dropout: Any) -> Any:
            if drops:
                return cross_entropy(dropping(weights, x, dropout), y)
            return cross_entropy(functional_call(network, weights, (x,)), y)

        gradients = vmap(grad(loss_of), randomness="different")
        outputs_of = vmap(lambda weights, x: functional_call(network, weights, (x,)))

        def step(rows: Any) -> None:
            x, y = self.x[rows], self.y[rows]
            self.adam.step(gradients(self.weights, x, y, self.dropout))

        @torch.no_grad()
        def measure(rows: Any) -> Any:
            outputs, y = outputs_of(self.weights, self.x[rows]), self.y[rows]
            each = cross_entropy(outputs.movedim(-1, 1), y, reduction="none")
            right = (outputs.argmax(-1) == y).float().mean(dim=1)
            return each.mean(dim=1), right

        size = self.data.spec.batch_size
        sizes = {part.shape[1] for part in train.split(size, dim=1)}
        self.steps = {n: Graph(step, train[:, :n]) for n in sizes}
        self.measure = Graph(measure, held)


def _tables(rows: tuple[Any, ...]) -> torch.Tensor:
    shortest = min(map(len, rows))
    return torch.stack([torch.from_numpy(each[:shortest]) for each in rows]).to(GPU)


class Adam(peer_vmap.Adam):
    """The same with all that changes on the device, where a graph finds it."""

    def __init__(self, weights: Any, rate: torch.Tensor, decay: torch.Tensor) -> None:
        super().__init__(weights, rate.clone(), decay)
        self.n = torch.zeros((), device=GPU)

    def begin(self, rate: torch.Tensor, decay: torch.Tensor) -> None:
        """Forget everything."""
        for mine, shrink in zip(self.rates, self.shrink, strict=True):
            mine.copy_(rate.view(mine.shape))
            shrink.copy_(1 - (rate * decay).view(mine.shape))
        torch._foreach_zero_([*self.first, *self.second, self.n])

    def step(self, gradients: Any) -> None:
        """Take a step of every member."""
        self.n += 1
        second = torch.sqrt(1 - 0.999**self.n)
        self.move(gradients, 1 - 0.9**self.n, second)


if __name__ == "__main__":
    main()
