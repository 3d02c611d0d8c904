"use strict";
(() => {
  const { config, charts } = JSON.parse(document.getElementById("charts").textContent);
  const drawn = [...document.querySelectorAll("[data-chart]")].map(async (place) => {
    const spec = { ...charts[place.dataset.chart], width: "container" };
    // `ast` evaluates expressions without eval, which the page's policy forbids.
    await vegaEmbed(place, spec, {
      config,
      ast: true,
      renderer: "svg",
      actions: false,
      mode: "vega-lite",
      tooltip: { theme: "custom" },
    });
  });
  Promise.all(drawn).then(() => document.documentElement.setAttribute("data-drawn", ""));
})();
