"""The smallest things that are shown: a number with its text, an interval, a fact."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A number, and how it is written."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class ShownInterval:
    """An interval, how it is written, and by which method it was made."""

    low: float
    high: float
    text: str
    level: str
    method: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and a value, for lists of facts."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class MetricView:
    """The yardstick in words. `label` is "accuracy", `better` "higher is better"."""

    name: str
    direction: str
    label: str
    better: str
    percentage: bool
