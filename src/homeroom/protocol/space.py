"""What a person means by a model and a space: three styles, one meaning."""

from __future__ import annotations

from typing import Any

from homeroom import search, seeding
from homeroom.errors import InputError
from homeroom.search import HyperParameters

from .candidate import as_candidate

_N_TRIALS = 20


def searched_model(model: Any, space: Any) -> tuple[Any, Any]:
    """Return a function of hyperparameters, and what its hyperparameters are drawn by.

    Raises:
        InputError: If the space is none, or has a name that the model does not know.
    """
    if space is None:
        if not search.takes_hp(model):
            raise InputError(
                "space=None is for a function build(hp) in KerasTuner's style. Say "
                "what to search: {'learning_rate': homeroom.log_uniform(1e-4, 0.1)}."
            )
        return _of_values(model), lambda trial: _drawn_by(model, trial)
    if callable(space):
        return model, space
    space = search.as_space(space)
    as_candidate(model, dict.fromkeys(search.names_in(space)))
    return model, space


def trial_count(n_trials: int | None, sampler: str, space: Any) -> int:
    """Return how many trials there will be at most.

    Raises:
        InputError: If `n_trials` is no positive whole number, or not the whole grid.
    """
    whole = isinstance(n_trials, int) and not isinstance(n_trials, bool)
    if n_trials is not None and (not whole or n_trials < 1):
        raise InputError(f"n_trials={n_trials!r}: use a whole number, 1 or more.")
    size = search.grid_size(space) if sampler == "grid" else None
    if size is None:
        return n_trials or _N_TRIALS
    if n_trials is not None and n_trials < size:
        raise InputError(
            f"A grid tries all of its {size} combinations; n_trials={n_trials} would "
            "leave some out by their order. Leave n_trials out, or use "
            "sampler='random'."
        )
    return size


def _of_values(build: Any) -> Any:
    def model(**values: Any) -> Any:
        return build(HyperParameters(values=values))

    model.__name__, model.__module__ = build.__name__, build.__module__
    model.__qualname__ = build.__qualname__
    return model


def _drawn_by(build: Any, trial: Any) -> dict[str, Any]:
    hp = HyperParameters(trial)
    with seeding.preserved_global_randomness():
        build(hp)
    return hp.values
