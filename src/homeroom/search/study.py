"""The sampler's side: asked for trials in batches, told what they came to."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from homeroom import seeding
from homeroom.errors import HomeroomError, InputError, did_you_mean

from .spaces import Space, combinations, drawn, n_combinations
from .values import same_values

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("tpe", "random", "grid", "qmc", "cmaes")
BATCH = 8
_MOST_REPEATS = 100


@dataclass(frozen=True)
class Answer:
    """What a trial came to: a score, how far it got, or neither when it failed.

    More is better. `step` is None for a trial that is complete.
    """

    score: float | None = None
    step: int | None = None


class Study(Protocol):
    """What proposes trials; the same seed and answers give the same proposals."""

    def ask(self, n: int) -> list[dict[str, Any]]:
        """Return up to `n` combinations that were not proposed before."""
        ...

    def tell(self, values: Mapping[str, Any], answer: Answer) -> None:
        """Take in what a proposed combination came to."""
        ...


def make_study(
    space: Space | Callable[[Any], Any],
    sampler: str,
    *,
    seed: int,
) -> Study:
    """Return the study of a space.

    Args:
        space: What is searched, or a function that draws from a trial of Optuna.
        sampler: "tpe" (Bergstra et al. 2011), "random", "grid", "qmc" (scrambled
            Sobol points) or "cmaes" (Hansen 2016; choices are drawn at random).
        seed: Decides every draw.

    Raises:
        InputError: If the sampler is unknown, or a grid of intervals is asked for.
    """
    if sampler not in SAMPLERS:
        raise InputError(
            f"sampler={sampler!r} is unknown; there are: {', '.join(SAMPLERS)}."
            f"{did_you_mean(str(sampler), SAMPLERS)}"
        )
    if sampler == "grid":
        if not isinstance(space, Mapping):
            raise InputError(
                "A grid needs a space that is a dict: a function tells its values only "
                "while it runs. Use sampler='random'."
            )
        return _Grid(combinations(space))
    return _Sampled(space, sampler, seed=seed)


def grid_size(space: Any) -> int | None:
    """Return how many combinations a space has; None when they cannot be counted."""
    if not isinstance(space, Mapping):
        return None
    return n_combinations(space)


class _Grid:
    def __init__(self, left: Iterator[dict[str, Any]]) -> None:
        self._left = left

    def ask(self, n: int) -> list[dict[str, Any]]:
        return [values for _, values in zip(range(n), self._left, strict=False)]

    def tell(self, values: Mapping[str, Any], answer: Answer) -> None:
        """Do nothing: a grid learns nothing."""


class _Sampled:
    """Optuna, asked and told. A combination drawn again is answered, not proposed."""

    def __init__(
        self,
        space: Space | Callable[[Any], Any],
        sampler: str,
        *,
        seed: int,
    ) -> None:
        self._space = space
        self._study = _optuna_study(sampler, seeding.derive(seed, "search"))
        self._known: list[dict[str, Any]] = []
        self._drawn_as: list[list[optuna.trial.Trial]] = []
        self._answers: dict[int, Answer] = {}

    def ask(self, n: int) -> list[dict[str, Any]]:
        fresh: list[dict[str, Any]] = []
        repeats = 0
        while len(fresh) < n and repeats < _MOST_REPEATS:
            with _quiet():
                trial = self._study.ask()
                values = self._draw(trial)
            known = self._position(values)
            if known is None:
                self._known.append(values)
                self._drawn_as.append([trial])
                fresh.append(values)
                continue
            repeats += 1
            if known in self._answers:
                self._answer(trial, self._answers[known])
            else:
                self._drawn_as[known].append(trial)
        return fresh

    def tell(self, values: Mapping[str, Any], answer: Answer) -> None:
        position = self._position(dict(values))
        assert position is not None
        self._answers[position] = answer
        for trial in self._drawn_as[position]:
            self._answer(trial, answer)

    def _draw(self, trial: optuna.trial.Trial) -> dict[str, Any]:
        if isinstance(self._space, Mapping):
            return drawn(self._space, trial)
        try:
            values = self._space(trial)
        except HomeroomError:
            raise
        except Exception as error:
            raise InputError(
                f"The space could not be drawn from: {type(error).__name__}: {error}"
            ) from error
        if values is None:
            values = dict(trial.params)
        if not isinstance(values, Mapping):
            raise InputError(
                "A function that draws a space returns a dict of hyperparameters, or "
                f"None for all that it suggested; got {type(values).__name__}."
            )
        return dict(values)

    def _position(self, values: dict[str, Any]) -> int | None:
        known = enumerate(self._known)
        return next((i for i, each in known if same_values(each, values)), None)

    def _answer(self, trial: optuna.trial.Trial, answer: Answer) -> None:
        import optuna

        states = optuna.trial.TrialState
        with _quiet():
            if answer.score is None:
                self._study.tell(trial, state=states.FAIL)
            elif answer.step is None:
                self._study.tell(trial, answer.score)
            else:
                trial.report(answer.score, answer.step)
                self._study.tell(trial, state=states.PRUNED)


def _optuna_study(sampler: str, seed: int) -> optuna.study.Study:
    import optuna

    with _quiet():
        made: optuna.samplers.BaseSampler
        match sampler:
            case "random":
                made = optuna.samplers.RandomSampler(seed=seed)
            case "qmc":
                made = optuna.samplers.QMCSampler(
                    seed=seed,
                    scramble=True,
                    warn_independent_sampling=False,
                    warn_asynchronous_seeding=False,
                )
            case "cmaes":
                made = optuna.samplers.CmaEsSampler(
                    seed=seed, warn_independent_sampling=False
                )
            case _:
                # a batch is drawn at once, and the first before anything is known;
                # so is the second where batches are asked for ahead
                made = optuna.samplers.TPESampler(seed=seed, n_startup_trials=BATCH)
        return optuna.create_study(sampler=made, direction="maximize")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's remarks about itself from a person who asked Homeroom."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
