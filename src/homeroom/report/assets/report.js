"use strict";
(() => {
  const { config, charts } = JSON.parse(document.getElementById("charts").textContent);
  // What fits paper of A4 or Letter: drawn anew for it, so that labels keep their size.
  const PAPER = { whole: 680, half: 305 };
  const views = [];
  const drawn = [...document.querySelectorAll("[data-chart]")].map(async (place) => {
    const spec = { ...charts[place.dataset.chart], width: "container" };
    // `ast` evaluates expressions without eval, which the page's policy forbids.
    const { view } = await vegaEmbed(place, spec, {
      config,
      ast: true,
      renderer: "svg",
      actions: false,
      mode: "vega-lite",
      tooltip: { theme: "custom" },
    });
    views.push([place, view]);
  });
  addEventListener("beforeprint", () => {
    for (const [place, view] of views) {
      const half = place.closest(".pair") && !place.closest(".one");
      view.width(half ? PAPER.half : PAPER.whole).run();
    }
  });
  addEventListener("afterprint", () => {
    for (const [place, view] of views) view.width(place.clientWidth).run();
  });
  Promise.all(drawn).then(() => document.documentElement.setAttribute("data-drawn", ""));
})();
