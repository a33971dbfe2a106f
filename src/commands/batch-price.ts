// Prices for estimates, by the same list and the same overrides as on the workers. Main thread.

import type { PriceTokens } from "../batch/dry-run.ts";
import type { PricingConfig } from "../config/schema.ts";
import { createPricer } from "../workers/cost.ts";

export function priceTokens(pricing: readonly PricingConfig[]): PriceTokens {
  const price = createPricer(pricing);
  return (provider, model, { input, output }) =>
    price({ provider, model, usage: { inputTokens: input, outputTokens: output } })?.total;
}
