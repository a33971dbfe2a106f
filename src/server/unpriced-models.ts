// Says once per model that its calls carry no cost. Server thread, because each worker would say it again.

import type { CallOutcome } from "../protocol/call-task.ts";

/** Names come from providers: what is remembered of them is bounded. */
const namesMax = 1000;

/** Told of every ended call; speaks when one used tokens and has no price. */
export function createUnpricedModels(
  notice: (level: "info", text: string) => void,
): (outcome: CallOutcome | undefined) => void {
  const said = new Set<string>();
  return (outcome) => {
    if (outcome === undefined || outcome.cost >= 0) return;
    const { responseModel: model } = outcome;
    if (outcome.inputTokens < 0 || model === "" || said.has(model) || said.size >= namesMax) return;
    said.add(model);
    const name = JSON.stringify(model.slice(0, 100));
    notice("info", `no price is known for model ${name}: its calls carry no cost (see pricing)`);
  };
}
