/* Draw the plotly figures of a page, in the colours of its theme.
 *
 * A figure is a <div class="mg-plotly" data-state="static"> that holds its data as JSON.
 * It is drawn when the reader comes near, or at once for printing. No request is made:
 * the file may be opened from a disk. States: static, loading, ready, error.
 */
(function () {
  "use strict";

  const root = document.documentElement;

  /** The value of one of the book's colours in the current theme. */
  function colour(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  /** Layout settings that follow the theme; they win over the stored template. */
  function themed(layout) {
    const ink = colour("--mg-ink");
    const rule = colour("--mg-rule");
    const quiet = colour("--mg-quiet");
    const template = structuredClone(layout.template || {});
    const shared = (template.layout = template.layout || {});
    shared.font = { ...shared.font, color: ink, family: getComputedStyle(document.body).fontFamily };
    shared.paper_bgcolor = shared.plot_bgcolor = "rgba(0,0,0,0)";
    shared.colorway = ["query", "key", "value", "mlp", "residual"].map((r) => colour("--mg-" + r));
    for (const name of ["xaxis", "yaxis"]) {
      shared[name] = { ...shared[name], gridcolor: rule, zerolinecolor: rule, linecolor: quiet, tickcolor: quiet };
    }
    return { ...layout, template: template };
  }

  async function draw(box) {
    if (box.dataset.state !== "static") return;
    box.dataset.state = "loading";
    try {
      const figure = JSON.parse(box.querySelector("script").textContent);
      const place = document.createElement("div");
      place.className = "mg-plotly-place";
      box.append(place);
      const config = { displaylogo: false, responsive: true, ...figure.config };
      const layout = () => themed(structuredClone(figure.layout || {}));
      await Plotly.newPlot(place, figure.data, layout(), config);
      if (figure.frames) await Plotly.addFrames(place, figure.frames);
      new MutationObserver(() => Plotly.react(place, place.data, layout(), config)).observe(root, {
        attributes: true,
        attributeFilter: ["data-theme"],
      });
      box.dataset.state = "ready";
    } catch (error) {
      box.dataset.state = "error";
      const message = document.createElement("p");
      message.textContent = "This figure could not be drawn: " + error.message;
      box.append(message);
      console.error(error);
    }
  }

  function start() {
    const boxes = [...document.querySelectorAll(".mg-plotly")];
    if (!("IntersectionObserver" in window)) return boxes.forEach(draw);
    const near = new IntersectionObserver(
      (entries) => entries.filter((e) => e.isIntersecting).forEach((e) => draw(e.target)),
      { rootMargin: "600px" },
    );
    boxes.forEach((box) => near.observe(box));
    window.addEventListener("beforeprint", () => boxes.forEach(draw));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
