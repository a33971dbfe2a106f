// Sees when a provider refuses everybody: a wrong key or a model that is not there would turn a million rows into a
// million errors. One per run.

import { outOfCredit } from "./row-outcome.ts";
import type { RowRecord } from "./tally.ts";

const unreachable = "provider_unreachable";
/** 401 and 403 are about the key, 404 about the model; the rest: the provider is not there. */
const hopeless = new RegExp(`^(?:40[134]|5\\d\\d|model_not_found|${unreachable})$`);
/** For longer than a row waits: a limit by the day. */
const notToday = "429";
const refusalsMax = 10;
const again = "add --retry-failed to send them again";

/**
 * Told of each row that ends; says why to stop: none has succeeded and all are refused alike, the account has
 * nothing left, or a limit holds for longer than rows wait.
 */
export function createRefusalWatch(): (
  row: Pick<RowRecord, "error" | "message">,
) => string | undefined {
  let refusals = 0;
  let inARow = 0;
  let isServed = false;
  return ({ error, message }) => {
    const why = message === "" ? "" : ` (${message})`;
    if (error === outOfCredit) {
      return `the account at the provider has nothing left${why}; ${again}`;
    }
    if (!hopeless.test(error)) isServed = true;
    inARow = error === notToday ? inARow + 1 : 0;
    if (!isServed) refusals += 1;
    if (refusals < refusalsMax && inARow < refusalsMax) return undefined;
    const what =
      error === unreachable
        ? "no row reaches the provider"
        : `the provider answers ${error} to every row`;
    return `${what}${why}; ${again}`;
  };
}
