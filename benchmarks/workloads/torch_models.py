"""The models of the workloads in torch: the same layers with as many weights."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from work import CONVOLUTION, DENSE, Work


def network_of(data: Work, dropout: float | None = None) -> nn.Module:
    """Return a fresh network; its outputs are logits."""
    spec = data.spec
    if spec.kind == DENSE:
        return _dense((data.x.shape[1], *spec.hidden, spec.classes), dropout)
    if spec.kind == CONVOLUTION:
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, spec.classes),
        )
    return Transformer(spec.classes)


def rows_of(data: Work) -> tuple[torch.Tensor, torch.Tensor]:
    """Return inputs and targets as tensors; of images the channels come first."""
    x, y = torch.tensor(data.x), torch.tensor(data.y)
    if data.spec.kind == CONVOLUTION:
        x = x.movedim(-1, 1).contiguous()
    return x, y


def _dense(sizes: tuple[int, ...], dropout: float | None) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes[:-1]):
        layers += [nn.Linear(before, after), nn.ReLU()]
        if dropout is not None:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


class Block(nn.Module):
    """Attention and two dense layers, each behind a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(64), nn.LayerNorm(64)
        self.attention = nn.MultiheadAttention(64, 4, batch_first=True)
        self.wide, self.narrow = nn.Linear(64, 256), nn.Linear(256, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normal = self.before(x)
        x = x + self.attention(normal, normal, normal, need_weights=False)[0]
        return x + self.narrow(torch.relu(self.wide(self.between(x))))


class Transformer(nn.Module):
    """The two blocks, between a projection and the mean over the sequence."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(16, 64)
        self.blocks = nn.Sequential(Block(), Block())
        self.last = nn.Linear(64, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.blocks(self.first(x)).mean(dim=1))
