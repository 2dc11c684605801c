/**
 * The script of a page of the book: draws its figures, when the page is there.
 *
 * Where it came from says where the weights are; a script that stands in the page
 * itself looks for them beside the page.
 */

import { VIEWS } from "../views/index.js";
import { PageHost } from "./page_host.js";

const thisPage = globalThis.document;
if (thisPage !== undefined) {
  const address = thisPage.currentScript?.src || thisPage.baseURI;
  const start = () => new PageHost({ page: thisPage, views: VIEWS, address }).start();
  const early = thisPage.readyState === "loading";
  if (early) thisPage.addEventListener("DOMContentLoaded", start);
  else start();
}
