"""Draw docs/images/workloads.svg from docs/workloads.json (needs vl-convert)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import altair as alt

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
OURS, OTHERS = "#c2410c", "#94a3b8"
# a reader's sans-serif may be a fifth wider than the one that was measured with
PADDING = {"left": 48, "right": 40, "top": 8, "bottom": 8}
BETWEEN = 72


def main() -> None:
    docs = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    record = json.loads((docs / "workloads.json").read_text("utf-8"))
    (docs / "images").mkdir(exist_ok=True)
    chart = chart_of(record).properties(padding=PADDING, background="white")
    chart.save(docs / "images" / "workloads.svg")


def chart_of(record: dict[str, Any]) -> Any:
    """Return milliseconds per training of every peer, a panel for each workload."""
    panels = [
        _panel(name, workload["peers"])
        for name, workload in record["workloads"].items()
    ]
    return (
        alt
        .vconcat(
            *(
                alt.hconcat(*panels[i : i + 2], spacing=BETWEEN)
                for i in range(0, len(panels), 2)
            ),
        )
        .resolve_scale(x="independent", y="independent")
        .configure_view(stroke=None)
    )


def _panel(name: str, peers: dict[str, Any]) -> Any:
    rows = []
    for peer, samples in peers.items():
        if samples["missing"]:
            continue
        each = median(
            1e3 * s / n
            for s, n in zip(samples["warm"], samples["trainings"], strict=True)
        )
        mine = peer.startswith("Homeroom")
        if not samples["same_model"]:
            peer = f"{peer} (not the same model)"
        rows.append({"peer": peer, "ms": each, "mine": mine, "told": f"{each:,.1f}"})
    bars = alt.Chart(alt.Data(values=rows)).encode(
        y=alt.Y("peer:N", sort="x", title=None, axis=alt.Axis(labelLimit=320)),
        x=alt.X(
            "ms:Q",
            scale=alt.Scale(type="log", domainMin=1, nice=True),
            title="ms per training, warm (logarithmic)",
            axis=alt.Axis(values=[10**n for n in range(6)], labelFlush=False),
        ),
    )
    colour = alt.condition("datum.mine", alt.value(OURS), alt.value(OTHERS))
    return (
        bars.mark_bar().encode(x2=alt.datum(1), color=colour)
        + bars.mark_text(align="left", dx=3).encode(text="told:N")
    ).properties(title=name, width=260)


if __name__ == "__main__":
    main()
