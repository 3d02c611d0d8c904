"""What to say: records become frozen views, views become tables, charts and pages.

Owns: every word, number format, chart and page a person sees.
Never: trains, judges or stores; drawing a run needs nothing of what trained it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .charts import curves_chart, fit_chart, interval_chart, strip_chart
    from .examination import ExaminationView, examination_panel, examination_view
    from .files import check_place, check_report_place, write_whole
    from .forecast import forecast_table, forecast_text
    from .formats import (
        format_count,
        format_epochs,
        format_interval,
        format_number,
        format_score,
        format_seconds,
        format_spread,
        format_time,
        metric_label,
        printable,
    )
    from .frames import (
        history_frame,
        leaderboard_frame,
        members_frame,
        nested_frame,
        passes_frame,
        study_frame,
        trials_frame,
    )
    from .listing import ListedRun, run_row
    from .models import (
        CrossValidationView,
        FitView,
        LeaderboardRow,
        RunRow,
        RunView,
        SearchView,
    )
    from .nested import NestedView, nested_view
    from .notebook import (
        cross_validation_html,
        fit_html,
        nested_html,
        passes_html,
        run_html,
        search_html,
        study_html,
    )
    from .page import render_page, write_page
    from .passes import PassesView, passes_text, passes_view
    from .passes_chart import passes_chart
    from .progress import LiveProgress
    from .search import search_view
    from .search_chart import search_chart
    from .study import StudyView, study_text, study_view
    from .study_chart import study_chart
    from .terminal import leaderboard_table, run_panel, runs_table
    from .verification import (
        VerificationView,
        verification_table,
        verification_view,
    )
    from .views import cross_validation_view, fit_view, run_view

__all__ = [
    "CrossValidationView",
    "ExaminationView",
    "FitView",
    "LeaderboardRow",
    "ListedRun",
    "LiveProgress",
    "NestedView",
    "PassesView",
    "RunRow",
    "RunView",
    "SearchView",
    "StudyView",
    "VerificationView",
    "check_place",
    "check_report_place",
    "cross_validation_html",
    "cross_validation_view",
    "curves_chart",
    "examination_panel",
    "examination_view",
    "fit_chart",
    "fit_html",
    "fit_view",
    "forecast_table",
    "forecast_text",
    "format_count",
    "format_epochs",
    "format_interval",
    "format_number",
    "format_score",
    "format_seconds",
    "format_spread",
    "format_time",
    "history_frame",
    "interval_chart",
    "leaderboard_frame",
    "leaderboard_table",
    "members_frame",
    "metric_label",
    "nested_frame",
    "nested_html",
    "nested_view",
    "passes_chart",
    "passes_frame",
    "passes_html",
    "passes_text",
    "passes_view",
    "printable",
    "render_page",
    "run_html",
    "run_panel",
    "run_row",
    "run_view",
    "runs_table",
    "search_chart",
    "search_html",
    "search_view",
    "strip_chart",
    "study_chart",
    "study_frame",
    "study_html",
    "study_text",
    "study_view",
    "trials_frame",
    "verification_table",
    "verification_view",
    "write_page",
    "write_whole",
]

# A table in a terminal does not wait for charts, frames and templates to load.
_FILE_OF = {
    "charts": ("curves_chart", "fit_chart", "interval_chart", "strip_chart"),
    "examination": ("ExaminationView", "examination_panel", "examination_view"),
    "files": ("check_place", "check_report_place", "write_whole"),
    "forecast": ("forecast_table", "forecast_text"),
    "formats": (
        "format_count",
        "format_epochs",
        "format_interval",
        "format_number",
        "format_score",
        "format_seconds",
        "format_spread",
        "format_time",
        "metric_label",
        "printable",
    ),
    "frames": (
        "history_frame",
        "leaderboard_frame",
        "members_frame",
        "nested_frame",
        "passes_frame",
        "study_frame",
        "trials_frame",
    ),
    "listing": ("ListedRun", "run_row"),
    "models": (
        "CrossValidationView",
        "FitView",
        "LeaderboardRow",
        "RunRow",
        "RunView",
        "SearchView",
    ),
    "nested": ("NestedView", "nested_view"),
    "notebook": (
        "cross_validation_html",
        "fit_html",
        "nested_html",
        "passes_html",
        "run_html",
        "search_html",
        "study_html",
    ),
    "page": ("render_page", "write_page"),
    "passes": ("PassesView", "passes_text", "passes_view"),
    "passes_chart": ("passes_chart",),
    "progress": ("LiveProgress",),
    "search": ("search_view",),
    "search_chart": ("search_chart",),
    "study": ("StudyView", "study_text", "study_view"),
    "study_chart": ("study_chart",),
    "terminal": ("leaderboard_table", "run_panel", "runs_table"),
    "verification": (
        "VerificationView",
        "verification_table",
        "verification_view",
    ),
    "views": ("cross_validation_view", "fit_view", "run_view"),
}
_HOME = {name: file for file, names in _FILE_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'homeroom.report' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
