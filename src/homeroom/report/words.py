"""The sentences of a report: the answer first, then what must be known to trust it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom import judgement
from homeroom.records import (
    BATCHED,
    COMPLETE,
    FAILED,
    INTERRUPTED,
    LOWERED,
    SCAN,
    WAVE,
    Metric,
)

from . import measures
from .formats import (
    format_count,
    format_interval,
    format_score,
    format_spread,
    format_time,
    metric_label,
)
from .models import FinalTestView
from .shown import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.judgement import Summary
    from homeroom.records import (
        FinalTest,
        MemberRecord,
        RunRecord,
        Settings,
        SplitPlanRecord,
    )

    from .models import LeaderboardRow


def answer(run: RunRecord, chosen: LeaderboardRow | None) -> str:
    """Return the sentence to read if only one is read."""
    if run.selection is None or chosen is None:
        return _no_choice(run)
    label = metric_label(run.metric.name)
    said = f"{run.selection.candidate} was chosen: {_measured(chosen, label)}"
    if run.final_test is not None:
        final = run.final_test
        said += (
            f"; {format_score(final.score, final.metric)} in the final test on "
            f"{format_count(final.n, 'row')}"
        )
        if measures.interval(final.interval, final.metric) is not None:
            said += f" ({_level_of(final)}: {_ends(final)})"
    return f"{said}."


def headline(run: RunRecord) -> str:
    """Return which candidate was chosen and why, without a number."""
    selection = run.selection
    if selection is None:
        return _no_choice(run)
    name, n = selection.candidate, selection.n_compared
    if n == 1:
        return f"{name} is the only candidate that could be chosen."
    if name != selection.best_mean:
        return (
            f"{name} was chosen of {n}: it cannot be told from the best mean, that of "
            f"{selection.best_mean}, and is steadier."
        )
    if len(selection.equivalent) == 1:
        return f"{name} was chosen of {n}: it is clearly the best on average."
    others = [other for other in selection.equivalent if other != name]
    return (
        f"{name} was chosen of {n}: it leads in mean and in steadiness, but "
        f"{' and '.join(others)} cannot be told from it."
    )


def measured(row: LeaderboardRow, metric: Metric) -> str:
    """Return the mean of one candidate with its interval, as a sentence."""
    return f"{row.candidate}: {_measured(row, metric_label(metric.name))}."


def reference(
    baselines: Sequence[Summary], chosen: Summary | None, plan: SplitPlanRecord
) -> str:
    """Return what costs nothing scores on the same folds, and whether it is beaten."""
    if not baselines:
        return ""
    names = {
        each.candidate: judgement.baseline_name(each.candidate) for each in baselines
    }
    parts = [
        f"{names[each.candidate]} {format_score(each.mean, each.metric)}"
        for each in baselines
    ]
    label = metric_label(baselines[0].metric.name)
    said = f"For comparison, mean {label} on the same folds: {', '.join(parts)}."
    if chosen is None or not chosen.complete:
        return said
    unbeaten = [
        names[each.candidate]
        for each in baselines
        if not judgement.is_beaten(chosen, each, plan)
    ]
    if not unbeaten:
        return said
    those = " or ".join(unbeaten)
    return f"{said} {chosen.candidate} is not shown to be better than {those}."


def optimism(run: RunRecord) -> str:
    """Return how much too good the winner's score is expected to be."""
    selection = run.selection
    if selection is None or selection.n_scores < 2:
        return ""
    trials = selection.n_tuning_trials
    tuned = f" and {format_count(trials, 'tuning trial')}" if trials else ""
    if math.isnan(selection.optimism):
        return (
            f"As the best of {selection.n_compared}{tuned} its validation score is "
            "optimistic; one fold cannot say by how much."
        )
    by = format_spread(selection.optimism, run.metric)
    return (
        f"It was picked from {selection.n_compared}{tuned}, and the picked score "
        f"flatters: expect it to be too good by up to {by}."
    )


def final_test_view(run: RunRecord, chosen: LeaderboardRow | None) -> FinalTestView:
    """Return the final test, or that the seal is closed."""
    final = run.final_test
    if final is None:
        return FinalTestView(
            opened=False,
            sentence=(
                "Still sealed: no one has looked at the "
                f"{format_count(run.partition.n_test, 'test row')}. They are read "
                "once, when the choice is made, and give the only score that no "
                "decision has touched."
            ),
        )
    facts = [
        Fact("candidate", final.candidate),
        Fact("rows", format_count(final.n)),
        Fact("opened", format_time(final.opened_at)),
    ]
    facts += [
        Fact(metric_label(name), format_score(value, Metric(name, "max")))
        for name, value in final.scores.items()
        if name != final.metric.name
    ]
    return FinalTestView(
        opened=True,
        sentence=_final_sentence(final, chosen),
        score=measures.score(final.score, final.metric),
        interval=measures.interval(final.interval, final.metric),
        facts=tuple(facts),
        n=format_count(final.n, "row"),
    )


def caveats(run: RunRecord, chosen: LeaderboardRow | None) -> tuple[str, ...]:
    """Return what must be known to trust the numbers of a run."""
    said = list(_of_scores(run.metric, run.members, len(run.plan.folds), chosen))
    said += _of_epochs(run.settings, run.plan)
    if run.final_test is None:
        said.append(
            "The final test has not been opened. Until it is, every score here is "
            "from rows that some decision has seen."
        )
    else:
        said.append(
            "The final test is one draw of rows from the same source. It says nothing "
            "about data that will be collected differently."
        )
    return tuple(said)


def cross_validation_caveats(
    metric: Metric,
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    row: LeaderboardRow,
    settings: Settings | None,
) -> tuple[str, ...]:
    """Return what must be known to trust a cross-validation."""
    said = list(_of_scores(metric, members, len(plan.folds), row))
    said += _of_epochs(settings, plan)
    said.append(
        "These are validation scores. A score that no decision has touched needs rows "
        "that were sealed before: see homeroom.Experiment."
    )
    return tuple(said)


def _of_epochs(settings: Settings | None, plan: SplitPlanRecord) -> list[str]:
    if settings is None or not settings.early_stopping:
        return []
    if settings.epoch_choice == "mean_curve":
        said = (
            "Early stopping watched the mean curve of the folds, which stopped "
            "together. Each fold is scored at the epoch that is best for the mean of "
            "the other folds, so that no score chose its own epoch."
        )
        if plan.strategy.startswith("TimeSeriesSplit"):
            said += (
                " Some of these others are later in time: the number of epochs, and "
                "nothing else, is known from the future."
            )
        return [said]
    if settings.epoch_choice == "one_std_err":
        return [
            "Early stopping watched the mean curve of the folds. All are scored at its "
            "earliest epoch within one standard error of the best: the simpler model, "
            "not the better one."
        ]
    if settings.epoch_choice == "inner_split":
        return [
            "A fifth of each fold's training rows stopped a first training; a second, "
            "on all of them, was as long and is what is scored. The validation rows "
            "chose nothing."
        ]
    return [
        "Early stopping picked each training's epoch on the same validation rows "
        "that give its score, so validation scores are a little too good. The "
        "final test has no such advantage."
    ]


def _of_scores(
    metric: Metric,
    members: Sequence[MemberRecord],
    n_folds: int,
    row: LeaderboardRow | None,
) -> list[str]:
    said = []
    if n_folds > 1:
        approximate = (
            "Intervals of means are approximate. Folds share training rows, so their "
            "scores are not independent; the interval is corrected for it "
            "(Nadeau and Bengio 2003), but no exact one exists. In simulations it was "
            "rather too wide than too narrow."
        )
        said.append(approximate + _cut_off(metric))
        text = (
            "The spread over folds is how much the score depends on the rows; the "
            "spread over seeds how much it depends on luck with weights and batch "
            "order. Neither is a standard error, and they are not added."
        )
        if row is not None and row.sd_folds_range:
            text += (
                f" With {format_count(n_folds, 'fold')} a spread is itself uncertain: "
                f"for {row.candidate} it is anything from {row.sd_folds_range} (95 %)."
            )
        said.append(text)
    else:
        said.append(
            "With one fold there is no interval: how much the score depends on which "
            "rows it was measured on is unknown."
        )
    changed = [m for m in members if m.evaluation_changed_state]
    if changed:
        said.append(
            f"Evaluation changed the state of {format_count(len(changed), 'training')}"
            ". Their scores must not be trusted: find the layer that learns while it "
            "is evaluated."
        )
    compiled = [m for m in members if m.path in {SCAN, WAVE}]
    others = [m for m in members if m.path not in {SCAN, WAVE}]
    lowered = [m for m in members if m.sameness == LOWERED]
    if lowered:
        said.append(
            f"In {format_count(len(lowered), 'training')} faster forms stood in for "
            "grouped convolutions: values are those of keras.Model.fit within rounding."
            " With HOMEROOM_OPERATIONS=keras they are so bit for bit."
        )
    batched = [m for m in members if m.sameness == BATCHED]
    if batched:
        said.append(
            f"In {format_count(len(batched), 'training')} many were trained in one "
            "call: values are those of keras.Model.fit within rounding."
        )
    for reason in sorted({m.path_reason for m in compiled if m.path_reason}):
        said.append(f"Of some trainings: {reason}.")
    slow = sorted({m.path_reason for m in others if m.path_reason})
    if slow:
        said.append(
            f"Some trainings ran in plain Keras or scikit-learn: {'; '.join(slow)}."
        )
    return said


def _cut_off(metric: Metric) -> str:
    lowest, highest = judgement.metric_range(metric)
    ends = [
        format_score(end, metric) for end in (lowest, highest) if math.isfinite(end)
    ]
    if not ends:
        return ""
    return (
        f" Where it would reach beyond {' or '.join(ends)}, where no "
        f"{metric_label(metric.name)} can be, it is cut off."
    )


def _measured(row: LeaderboardRow, label: str) -> str:
    said = f"{row.mean.text} mean validation {label}"
    if row.interval is not None:
        said += f" ({row.interval.level} interval {row.interval.text})"
    return said


def _no_choice(run: RunRecord) -> str:
    done = sum(member.state == COMPLETE for member in run.members)
    trained = format_count(done, "training")
    if run.state == INTERRUPTED:
        return f"Interrupted before a choice, with {trained} done."
    if run.state == FAILED:
        return f"No candidate could be chosen: the run failed with {trained} done."
    return f"Not chosen yet: the run is {run.state.lower()}, with {trained} done."


def _final_sentence(final: FinalTest, chosen: LeaderboardRow | None) -> str:
    label = metric_label(final.metric.name)
    said = (
        f"{final.candidate} scored {format_score(final.score, final.metric)} {label} "
        f"on {format_count(final.n, 'row')} that nothing had seen before"
    )
    if measures.interval(final.interval, final.metric) is not None:
        said += f" ({_level_of(final)}: {_ends(final)})"
    if chosen is None or math.isnan(chosen.mean.value):
        return f"{said}."
    gap = final.score - chosen.mean.value
    if final.metric.direction == "min":
        gap = -gap
    worse = "worse" if gap < 0 else "better"
    by = format_spread(abs(gap), final.metric)
    return f"{said}: {by} {worse} than its validation mean."


def _level_of(final: FinalTest) -> str:
    return f"{100 * final.interval.level:g} % interval"


def _ends(final: FinalTest) -> str:
    return format_interval(final.interval, final.metric)
