// Sees when a provider refuses everybody: a wrong key or a model that is not there would turn a million rows into a
// million errors. One per run.

import type { RowRecord } from "./tally.ts";

/** 401 and 403 are about the key, 404 about the model; 402 about the money. */
const hopeless: ReadonlySet<string> = new Set(["401", "402", "403", "404", "model_not_found"]);
const refusalsMax = 10;

/** Told of each row that ends; says why to stop when none has succeeded and all are refused alike. */
export function createRefusalWatch(): (
  row: Pick<RowRecord, "error" | "message">,
) => string | undefined {
  let refusals = 0;
  let isServed = false;
  return ({ error, message }) => {
    if (!hopeless.has(error)) isServed = true;
    if (isServed) return undefined;
    refusals += 1;
    if (refusals < refusalsMax) return undefined;
    const why = message === "" ? "" : ` (${message})`;
    return `the provider answers ${error} to every row${why}; add --retry-failed to send them again`;
  };
}
