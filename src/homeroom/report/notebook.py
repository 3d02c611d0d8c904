"""HTML fragments for a notebook: no script, no network, at home on light and dark.

Colors are the notebook's own (`currentColor`), so no theme needs to be known; where a
front end strips the styles, plain tables are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from .page import asset, environment

if TYPE_CHECKING:
    from .models import (
        CrossValidationView,
        FitView,
        LeaderboardRow,
        RunView,
        SearchView,
    )
    from .nested import NestedView
    from .passes import PassesView
    from .study import StudyView


@dataclass(frozen=True, slots=True)
class Bar:
    """Where an interval and its mean lie on a common axis, in percent of its width."""

    low: float
    width: float
    mean: float


def run_html(view: RunView) -> str:
    """Return a run: its answer, leaderboard and what must be known."""
    return _rendered(
        view=view,
        title=f"{view.name} · {view.id}",
        headline=view.headline,
        answer=view.answer,
        why=view.reason,
        rows=view.leaderboard,
        members=(),
        failures=view.failures,
        untrained=view.untrained,
        final_test=view.final_test.sentence,
        sentences=view.split.sentences,
        caveats=view.caveats,
        facts=(*view.settings, *view.environment),
    )


def cross_validation_html(view: CrossValidationView) -> str:
    """Return a cross-validation: its mean, what the curves say, every training."""
    return _rendered(
        view=view,
        title=f"{view.name} · cross-validation",
        headline=view.answer,
        answer="",
        why=" ".join(
            filter(
                None,
                [view.row.verdict_text, view.epochs.sentence if view.epochs else ""],
            )
        ),
        rows=(view.row,),
        members=view.members,
        failures=view.failures,
        untrained=view.untrained,
        final_test="",
        sentences=view.split.sentences,
        caveats=view.caveats,
        facts=(),
    )


def fit_html(view: FitView) -> str:
    """Return one training: its score, its verdict, how it went."""
    return _rendered(
        view=view,
        title=f"{view.name} · fit",
        headline=view.answer,
        answer="",
        why=view.verdict_text,
        rows=(),
        members=(),
        failures=(),
        untrained=(),
        final_test="",
        sentences=(),
        caveats=(),
        facts=view.facts,
    )


def search_html(view: SearchView) -> str:
    """Return a search: the best trial, the next best, what was given up and why."""
    template = environment().get_template("search.html.j2")
    return template.render(view=view, css=Markup(asset("notebook.css")))


def nested_html(view: NestedView) -> str:
    """Return a nested cross-validation: its worth, its verdict, every outer fold."""
    template = environment().get_template("nested.html.j2")
    return template.render(view=view, css=Markup(asset("notebook.css")))


def study_html(view: StudyView) -> str:
    """Return a selection study: what each way said, and what was true."""
    template = environment().get_template("study.html.j2")
    return template.render(view=view, css=Markup(asset("notebook.css")))


def passes_html(view: PassesView) -> str:
    """Return a passes study: the answer, and the score of every point."""
    template = environment().get_template("passes.html.j2")
    return template.render(view=view, css=Markup(asset("notebook.css")))


def bars(rows: tuple[LeaderboardRow, ...]) -> dict[str, Bar]:
    """Return the intervals of several candidates on one axis."""
    ends = [(row.interval.low, row.interval.high) for row in rows if row.interval]
    if not ends:
        return {}
    start, end = min(low for low, _ in ends), max(high for _, high in ends)
    width = (end - start) or 1.0

    def place(value: float) -> float:
        return round(100 * (value - start) / width, 2)

    return {
        row.candidate: Bar(
            low=place(row.interval.low),
            width=round(place(row.interval.high) - place(row.interval.low), 2),
            mean=place(row.mean.value),
        )
        for row in rows
        if row.interval
    }


def _rendered(*, rows: tuple[LeaderboardRow, ...], **parts: object) -> str:
    template = environment().get_template("notebook.html.j2")
    css = Markup(asset("notebook.css"))
    drawn = bars(rows) if len(rows) > 1 else {}
    return template.render(rows=rows, bars=drawn, css=css, **parts)
