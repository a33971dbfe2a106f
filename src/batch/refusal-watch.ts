// Sees when a provider refuses everybody: a wrong key or a model that is not there would turn a million rows into a
// million errors. One per run.

import { outOfCredit } from "./row-outcome.ts";
import type { RowRecord } from "./tally.ts";

const unreachable = "provider_unreachable";
/** 401 and 403 are about the key, 404 about the model; the rest: the provider is not there. */
const hopeless = new RegExp(`^(?:40[134]|5\\d\\d|model_not_found|${unreachable})$`);
const refusalsMax = 10;
const again = "add --retry-failed to send them again";

/**
 * Told of each row that ends; says why to stop: none has succeeded and all are refused alike, or the account has
 * nothing left.
 */
export function createRefusalWatch(): (
  row: Pick<RowRecord, "error" | "message">,
) => string | undefined {
  let refusals = 0;
  let isServed = false;
  return ({ error, message }) => {
    const why = message === "" ? "" : ` (${message})`;
    if (error === outOfCredit) {
      return `the account at the provider has nothing left${why}; ${again}`;
    }
    if (!hopeless.test(error)) isServed = true;
    if (isServed) return undefined;
    refusals += 1;
    if (refusals < refusalsMax) return undefined;
    const what =
      error === unreachable
        ? "no row reaches the provider"
        : `the provider answers ${error} to every row`;
    return `${what}${why}; ${again}`;
  };
}
