// Sees when a provider refuses everybody: a wrong key or a model that is not there would turn a million rows into a
// million errors. One per run.

import type { RowRecord } from "./tally.ts";

const unreachable = "provider_unreachable";
/** 401 and 403 are about the key, 404 about the model, 402 about the money; the rest: the provider is not there. */
const hopeless = new RegExp(`^(?:40[1234]|5\\d\\d|model_not_found|${unreachable})$`);
const refusalsMax = 10;

/** Told of each row that ends; says why to stop when none has succeeded and all are refused alike. */
export function createRefusalWatch(): (
  row: Pick<RowRecord, "error" | "message">,
) => string | undefined {
  let refusals = 0;
  let isServed = false;
  return ({ error, message }) => {
    if (!hopeless.test(error)) isServed = true;
    if (isServed) return undefined;
    refusals += 1;
    if (refusals < refusalsMax) return undefined;
    const why = message === "" ? "" : ` (${message})`;
    const what =
      error === unreachable
        ? "no row reaches the provider"
        : `the provider answers ${error} to every row`;
    return `${what}${why}; add --retry-failed to send them again`;
  };
}
