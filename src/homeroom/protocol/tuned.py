"""A candidate whose hyperparameters are searched before it is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from homeroom import search
from homeroom.engine import Description
from homeroom.errors import InputError
from homeroom.records import (
    CandidateRecord,
    History,
    Listener,
    Metric,
    RunRecord,
    SearchRecord,
    StageStarted,
    TrialRecord,
)

from . import trials
from .candidate import Candidate, as_candidate
from .epoch_choice import Passes, passes
from .member import assign
from .searching import Found, Searching, begin
from .space import searched_model, trial_count
from .trial import Ground


@dataclass(frozen=True, eq=False)
class Tuned:
    """What is searched, and how; `model` and `space` are as `searched_model` says."""

    name: str
    model: Any
    space: Any
    n_trials: int
    sampler: str
    prune: bool

    def begin(self, ground: Ground) -> Searching:
        """Return the search, its first batch made ready on the experiment's folds."""
        named = f"{self.name} {self.sampler} {ground.seed} {self.space!r}"
        training = replace(ground.training, search=named)
        return begin(
            replace(
                ground,
                model=self.model,
                training=training,
                ledger=ground.ledger.under(self.name),
            ),
            self.space,
            sampler=self.sampler,
            n_trials=self.n_trials,
            prune=self.prune,
        )

    def record(self, n_weights: int | None) -> CandidateRecord:
        """Return what is remembered of it before it is searched."""
        return as_candidate(self.model, {}, self.name).record(n_weights)


@dataclass(frozen=True, eq=False)
class Entry:
    """Who takes part in a run: candidates, and searches that will give one each."""

    members: Sequence[Candidate | Tuned]
    ground: Ground
    n_seeds: int
    fixed: trials.Trials
    searching: Mapping[str, Searching]

    @property
    def descriptions(self) -> dict[str, Description]:
        """What each candidate will report, by its name."""
        found = dict(self.fixed.descriptions)
        for name, each in self.searching.items():
            found[name] = next(iter(each.descriptions.values()))
        return {member.name: found[member.name] for member in self.members}

    def tune(
        self, metric: Metric, tell: Listener, keep: Callable[[SearchRecord], None]
    ) -> list[Candidate]:
        """Run every search; return all candidates.

        `keep` is called with what each search came to, one that was interrupted too.

        Raises:
            KeyboardInterrupt: If one was interrupted.
        """
        candidates: list[Candidate] = []
        for each in self.members:
            if isinstance(each, Candidate):
                candidates.append(each)
                continue
            tell(StageStarted(f"tuning {each.name}"))
            found = self.searching[each.name].run(metric, tell)
            keep(_record_of(each, found))
            if found.interrupted:
                raise KeyboardInterrupt
            candidates.append(_candidate_of(each, found))
        return candidates

    def ready(self, candidates: Sequence[Candidate]) -> trials.Trials:
        """Return the trainings of the candidates, made ready."""
        if not self.searching:
            return self.fixed
        return _prepared(candidates, self.ground, self.n_seeds)

    def passes(self, prepared: trials.Trials) -> Passes:
        """Return the trainings with what their way to choose the epoch needs."""
        ground = self.ground
        return passes(
            ground.epoch_choice,
            prepared,
            ground.plan,
            ground.dataset,
            seed=ground.seed,
            preprocess=ground.preprocess,
            lanes=ground.lanes,
        )


def enter(
    members: Sequence[Candidate | Tuned], ground: Ground, *, n_seeds: int
) -> Entry:
    """Make ready whatever takes part; every bad input shows here.

    Raises:
        InputError: If a model function or an argument is wrong.
    """
    candidates = [each for each in members if isinstance(each, Candidate)]
    tuned = [each for each in members if isinstance(each, Tuned)]
    fixed = _prepared(candidates, ground, n_seeds)
    searching = {each.name: each.begin(ground) for each in tuned}
    return Entry(members, ground, n_seeds, fixed, searching)


def entered(
    name: str,
    model: Any,
    hyperparameters: Mapping[str, Any],
    *,
    space: Any,
    n_trials: int | None,
    sampler: str,
    prune: bool,
) -> Candidate | Tuned:
    """Return the candidate that a person means, tuned where there is a space.

    Raises:
        InputError: If it is none, or an argument or a hyperparameter is wrong.
    """
    if space is None:
        if n_trials is not None:
            raise InputError("n_trials= has no effect without space=: leave it out.")
        return as_candidate(model, hyperparameters, name)
    if hyperparameters:
        space = _with_fixed(space, hyperparameters)
    model, space = searched_model(model, space)
    return Tuned(
        name, model, space, trial_count(n_trials, sampler, space), sampler, prune
    )


def _with_fixed(space: Any, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(space, Mapping):
        raise InputError(
            f"{min(hyperparameters)}= has no effect beside a space that is a function: "
            "return it from there."
        )
    both = sorted(space.keys() & hyperparameters.keys())
    if both:
        raise InputError(
            f"{both[0]!r} is given a value and searched: leave out one of them."
        )
    fixed = {name: search.Fixed(value) for name, value in hyperparameters.items()}
    return {**fixed, **space}


def _prepared(
    candidates: Sequence[Candidate], ground: Ground, n_seeds: int
) -> trials.Trials:
    assignments = assign(
        candidates,
        ground.dataset,
        ground.plan.folds,
        n_seeds=n_seeds,
        seed=ground.seed,
        preprocess=ground.preprocess,
        epoch_choice=ground.epoch_choice,
    )
    return trials.prepare(
        assignments,
        ground.training,
        ground.dataset,
        lanes=ground.lanes,
        ledger=ground.ledger,
    )


def _candidate_of(tuned: Tuned, found: Found) -> Candidate:
    # without a complete trial the first one shows in the leaderboard what fails
    values = (found.best or found.tried[0]).values
    return as_candidate(tuned.model, values, tuned.name)


def _record_of(tuned: Tuned, found: Found) -> SearchRecord:
    return SearchRecord(
        candidate=tuned.name,
        sampler=tuned.sampler,
        space=_told(tuned.space),
        trials=tuple(_brief(trial) for trial in found.records),
        best=found.best.number if found.best else None,
    )


def _brief(trial: TrialRecord) -> TrialRecord:
    members = tuple(
        msgspec.structs.replace(member, history=History({})) for member in trial.members
    )
    return msgspec.structs.replace(trial, members=members)


def _told(space: Any) -> str:
    if not isinstance(space, Mapping):
        return "a function"
    return ", ".join(f"{name}: {_value(values)!r}" for name, values in space.items())


def _value(dimension: Any) -> Any:
    return dimension.value if isinstance(dimension, search.Fixed) else dimension


def searched(
    record: RunRecord,
    candidates: Sequence[Candidate],
    prepared: trials.Trials,
) -> RunRecord:
    """Return the record of a run whose candidates are all found."""
    found = prepared.descriptions
    return msgspec.structs.replace(
        record,
        candidates=tuple(c.record(found[c.name].n_weights or None) for c in candidates),
    )
