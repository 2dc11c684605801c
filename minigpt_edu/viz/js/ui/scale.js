/**
 * Colours for numbers: one ramp for shares of 1, one around 0 for signed values.
 *
 *     const paint = readPaint(node);                    // the theme's colours, here
 *     colourOf(0.3, { kind: "share" }, paint)           // [r, g, b]
 *
 * Both ramps start at the paper, so that "more" is farther from it in either theme. The
 * colours themselves are tokens in figures.css.
 */

/** @typedef {{kind: "share" | "signed", limit?: number}} Scale share: 0..limit (1) */
/** @typedef {[number, number, number]} Colour */

/**
 * The colours of the theme at this place. Read once per figure and theme: each reading
 * makes the browser compute styles.
 * @param {any} node
 */
export function readPaint(node) {
  const home = node.closest(".mg-viz") ?? node;
  const { theme } = document.documentElement.dataset;
  const name = `${theme} ${document.body.dataset.jpThemeLight}`;
  if (home.mgPaint?.name === name) return home.mgPaint;
  const style = getComputedStyle(node);
  const known = style.getPropertyValue("--mg-ramp") !== ""; // the style sheet is there
  const list = (token, fallback) =>
    (style.getPropertyValue(token).trim() || fallback).split(/\s+/).map(parseColour);
  const paint = {
    name,
    share: list("--mg-ramp", "#ffffff #14356f"),
    signed: list("--mg-ramp-signed", "#8a3c00 #ffffff #14356f"),
    paper: list("--mg-paper", "#ffffff")[0],
    ink: list("--mg-ink", "#1f2630")[0],
    hatch: list("--mg-hatch", "#c3c9d3")[0],
  };
  if (known) home.mgPaint = paint;
  return paint;
}

/** "#rrggbb" as three numbers. @param {string} text @returns {Colour} */
export function parseColour(text) {
  const value = parseInt(text.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** @param {number[]} colour */
export function cssColour(colour) {
  return `rgb(${colour.map(Math.round).join(" ")})`;
}

/** The place of a value on its scale, from 0 to 1; beyond the ends it stays there. */
export function placeOnScale(value, { kind, limit = 1 }) {
  const place = kind === "signed" ? (value / limit + 1) / 2 : value / limit;
  return Number.isNaN(place) ? 0 : Math.min(1, Math.max(0, place));
}

/** The colour of a value. @returns {Colour} */
export function colourOf(value, scale, paint) {
  const stops = paint[scale.kind];
  const place = placeOnScale(value, scale) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  return mixColours(stops[low], stops[low + 1], place - low);
}

/** @param {number[]} a @param {number[]} b @param {number} share of b @returns {any} */
export function mixColours(a, b, share) {
  return a.map((part, i) => part + (b[i] - part) * share);
}

/** How light a colour is, as WCAG measures it. @param {number[]} colour */
export function luminanceOf(colour) {
  const [r, g, b] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever is read better on this colour: at least 4.58 to 1. */
export function inkOn(colour) {
  return luminanceOf(colour) > 0.179 ? "#000" : "#fff";
}

/** The same signed scale for several arrays: their largest size, rounded up. */
export function signedScale(...arrays) {
  let limit = 0;
  for (const values of arrays) {
    for (const value of values) {
      if (Math.abs(value) > limit && Number.isFinite(value)) limit = Math.abs(value);
    }
  }
  return { kind: "signed", limit: roundedUp(limit) };
}

/** The next number of the form 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten. */
export function roundedUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((s) => s * power >= value * 0.9999);
  return (step ?? 10) * power;
}
