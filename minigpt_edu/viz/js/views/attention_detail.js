/**
 * Where the number of one cell comes from: its formula, and the vectors it is made of.
 */

import { div, element, inRole } from "../ui/dom.js";
import { showLoosely, showNumber, showShare } from "../ui/format.js";
import { pieceNode } from "../ui/pieces.js";
import { signedScale } from "../ui/scale.js";
import { Strip } from "../ui/strip.js";
import { byShare, products, rowOf, scoreParts, shareParts } from "./attention_math.js";

const VALUES_SHOWN = 5; // rows of values that are drawn

/** The formula of a cell with its real numbers, as parts of a line. */
export function formulaOf({ pieces, numbers, config }, step, row, column) {
  const q = inRole("query", "q(", pieceNode(pieces[row]), ")");
  const k = inRole("key", "k(", pieceNode(pieces[column]), ")");
  const strong = (text) => element("strong", {}, text);
  const { dot, root, plain, score } = scoreParts(numbers, row, column);
  const { own, sum, share } = shareParts(numbers, row, column);
  const later = column > row;
  if (step === 0) {
    const capped =
      config.attn_softcap === null ? [] : [showNumber(plain), ", capped to "];
    return [
      q,
      " \u00b7 ",
      k,
      ` / \u221a${numbers.size} = `,
      `${showNumber(dot)} / ${showNumber(root)} = `,
      capped,
      strong(showNumber(score)),
    ];
  }
  if (step === 1) {
    return later
      ? [
          pieceNode(pieces[column]),
          " comes after ",
          pieceNode(pieces[row]),
          `: ${showNumber(score)} \u2192 `,
          strong("\u2212\u221e"),
        ]
      : [
          pieceNode(pieces[column]),
          " may be seen: ",
          showNumber(score),
          " stays ",
          strong(showNumber(score)),
        ];
  }
  if (step === 2) {
    const exp = later ? "exp(\u2212\u221e)" : `exp(${showNumber(score)})`;
    return [
      `${exp} / sum of the row = ${showLoosely(own)} / ${showLoosely(sum)} = `,
      strong(showShare(share)),
    ];
  }
  const order = byShare(numbers.pattern, numbers.tokens, row);
  const terms = order
    .slice(0, 3)
    .flatMap((s, i) => [
      i > 0 ? " + " : "",
      `${showShare(numbers.pattern[row * numbers.tokens + s])} `,
      inRole("value", "v(", pieceNode(pieces[s]), ")"),
    ]);
  const rest = order.length > 3 ? ` + ${order.length - 3} more` : "";
  return [strong(["z(", pieceNode(pieces[row]), ")"]), " = ", terms, rest];
}

/** The vectors behind a cell: q, k and their products, or the values and their sum. */
export class StepDetail {
  constructor() {
    this.element = div("mg-strips");
    this.strips = [];
  }

  /** Draws what belongs to this step and cell. */
  update(view, step, row, column) {
    const lines =
      step < 2
        ? scoreLines(view, row, column)
        : step === 3
          ? valueLines(view, row)
          : [];
    while (this.strips.length < lines.length) {
      this.strips.push(new Strip({ label: "" }));
      this.element.append(this.strips.at(-1).element);
    }
    this.strips.forEach((strip, i) => {
      strip.element.hidden = i >= lines.length;
      if (i < lines.length) strip.update(lines[i].values, lines[i]);
    });
    this.element.hidden = lines.length === 0;
  }
}

function scoreLines({ pieces, numbers }, row, column) {
  const q = numbers.q[row],
    k = numbers.k[column],
    each = products(q, k);
  const { dot } = scoreParts(numbers, row, column);
  const scale = signedScale(...numbers.q, ...numbers.k);
  return [
    {
      values: q,
      scale,
      name: inRole("query", "q ", pieceNode(pieces[row])),
      label: "query",
    },
    {
      values: k,
      scale,
      name: inRole("key", "k ", pieceNode(pieces[column])),
      label: "key",
    },
    {
      values: each,
      scale: signedScale(each),
      name: "q \u00d7 k",
      text: `sum ${showNumber(dot)}`,
      label: "products",
    },
  ];
}

function valueLines({ pieces, numbers }, row) {
  const { pattern, tokens, v, z } = numbers;
  const order = byShare(pattern, tokens, row).slice(0, VALUES_SHOWN);
  const shares = rowOf(pattern, tokens, row);
  const scale = signedScale(...order.map((s) => v[s]), z[row]);
  const lines = order.map((s) => ({
    values: v[s],
    scale,
    name: inRole("value", "v ", pieceNode(pieces[s])),
    text: showShare(shares[s]),
    label: "value",
    faint: 0.25 + 0.75 * shares[s],
  }));
  return [
    ...lines,
    {
      values: z[row],
      scale,
      name: ["z ", pieceNode(pieces[row])],
      text: "sum",
      label: "z",
    },
  ];
}
