// What a call cost in US dollars. Worker thread, once per call, after the reply. A price that is not
// known stays unknown: never zero, never a guess. The price list takes 20 ms and 20 MB to load (7 ms in
// the compiled binary), so it is loaded with the first price asked for, not with the thread.

import type { calcPrice, PriceCalculation, Usage } from "@pydantic/genai-prices";
import type { PricingConfig } from "../config/schema.ts";
import type { UsageFacts } from "./providers/reply-facts.ts";

/** US dollars. */
export interface Price {
  readonly input: number;
  readonly output: number;
  readonly total: number;
}

export type Pricer = (input: {
  readonly provider: "openai" | "anthropic";
  /** The model that answered. */
  readonly model: string;
  /** The name the caller used, where it may differ: people price what they ask for. */
  readonly asked?: string;
  readonly usage: UsageFacts | undefined;
}) => Price | undefined;

/**
 * Prices by `overrides` (exact names: the model that answered, else the one asked for) first, then by the
 * bundled list; what an override leaves out keeps the list's price. Without the input's token count, or a
 * price for what was used, there is no price. The first call that needs the list loads it.
 */
export function createPricer(overrides: readonly PricingConfig[]): Pricer {
  const own = new Map(overrides.map((override) => [override.model, override]));
  const known = new Map<string, Pricing>();
  let priceList: PriceList | undefined;

  const pricingOf = (
    provider: "openai" | "anthropic",
    model: string,
    override: PricingConfig | undefined,
  ): Pricing => {
    if (override !== undefined && isComplete(override)) return ownPricing(override, undefined);
    priceList ??= loadPriceList();
    const listed = listedPricing(priceList, provider, model);
    return override === undefined ? listed : ownPricing(override, ratesOf(listed));
  };

  return ({ provider, model, asked = model, usage }) => {
    const tokens = countTokens(usage);
    if (tokens === undefined) return undefined;
    const override = own.get(model) ?? own.get(asked);
    const key = `${provider} ${model} ${override?.model ?? ""}`;
    let pricing = known.get(key);
    if (pricing === undefined) {
      pricing = pricingOf(provider, model, override);
      if (known.size >= knownMax) known.clear();
      known.set(key, pricing);
    }
    return pricing(tokens);
  };
}

/** Model names come from callers: what is remembered of them is bounded. */
const knownMax = 1000;

type Pricing = (tokens: Tokens) => Price | undefined;

/** `input` includes both kinds of cached tokens. */
interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** US dollars a token. */
interface Rates extends Omit<Tokens, "output"> {
  /** Undefined: unknown, so that what has output has no price. */
  readonly output: number | undefined;
}

interface PriceList {
  readonly calcPrice: typeof calcPrice;
}

function countTokens(usage: UsageFacts | undefined): Tokens | undefined {
  if (usage?.inputTokens === undefined) return undefined;
  const cacheRead = usage.cacheReadTokens ?? 0;
  const cacheWrite = usage.cacheWriteTokens ?? 0;
  // Some servers leave cached tokens out of their input.
  const input = Math.max(usage.inputTokens, cacheRead + cacheWrite);
  return { input, output: usage.outputTokens ?? 0, cacheRead, cacheWrite };
}

/** Whether the list need not be asked. Cached tokens of an unlisted model are priced as input. */
function isComplete({ input, output, cachedInput, cacheWrite }: PricingConfig): boolean {
  return ![input, output, cachedInput, cacheWrite].includes(undefined);
}

function ownPricing(override: PricingConfig, listed: Rates | undefined): Pricing {
  const perToken = (perMillion: number | undefined): number | undefined =>
    perMillion === undefined ? undefined : perMillion * 1e-6;
  const input = perToken(override.input) ?? listed?.input;
  const output = perToken(override.output) ?? listed?.output;
  if (input === undefined) return () => undefined;
  const rates = {
    input,
    output,
    cacheRead: perToken(override.cachedInput) ?? listed?.cacheRead ?? input,
    cacheWrite: perToken(override.cacheWrite) ?? listed?.cacheWrite ?? input,
  };
  return (tokens) => priceAt(tokens, rates);
}

/** `require`, for a price is wanted now and `import` would make it wait. */
function loadPriceList(): PriceList {
  // oxlint-disable-next-line typescript/no-require-imports -- the only import that is late and synchronous
  return require("@pydantic/genai-prices") as PriceList;
}

/** Looks the model up once; the pricing that comes back does no search. */
function listedPricing(list: PriceList, providerId: string, model: string): Pricing {
  const found = list.calcPrice({ input_tokens: 1 }, model, { providerId });
  if (found === null || found.model_price["input_mtok"] === undefined) return () => undefined;
  const { id } = found.model;
  const provider = { ...found.provider, models: [found.model] };
  const hasOutput = found.model_price["output_mtok"] !== undefined;
  const calculate = (tokens: Tokens): Price | undefined => {
    if (tokens.output > 0 && !hasOutput) return undefined;
    const price = list.calcPrice(toListUsage(tokens), id, { provider });
    if (price === null) return undefined;
    return { input: price.input_price, output: price.output_price, total: price.total_price };
  };
  const rates = isLinear(found) ? ratesOf(calculate) : undefined;
  return rates === undefined ? calculate : (tokens) => priceAt(tokens, rates);
}

/** Whether a token costs the same however many there are and whenever it is: no tiers, no dates. */
function isLinear({ model, model_price: prices }: PriceCalculation): boolean {
  if (Array.isArray(model.prices)) return false;
  const entries = Object.entries(prices);
  return entries.every(
    ([unit, price]) => typeof price === "number" && !/request|reason/.test(unit),
  );
}

function ratesOf(calculate: Pricing): Rates | undefined {
  const none = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  const input = calculate({ ...none, input: 1 })?.total;
  const cacheRead = calculate({ ...none, input: 1, cacheRead: 1 })?.total;
  const cacheWrite = calculate({ ...none, input: 1, cacheWrite: 1 })?.total;
  const output = calculate({ ...none, output: 1 })?.total;
  if (input === undefined || cacheRead === undefined || cacheWrite === undefined) return undefined;
  return { input, output, cacheRead, cacheWrite };
}

/** Reasoning tokens are part of the output and priced as such: the list has no other price for them. */
function toListUsage({ input, output, cacheRead, cacheWrite }: Tokens): Usage {
  return {
    input_tokens: input,
    output_tokens: output,
    cache_read_tokens: cacheRead,
    cache_write_tokens: cacheWrite,
  };
}

function priceAt(tokens: Tokens, rates: Rates): Price | undefined {
  if (rates.output === undefined && tokens.output > 0) return undefined;
  const fresh = tokens.input - tokens.cacheRead - tokens.cacheWrite;
  const cached = tokens.cacheRead * rates.cacheRead + tokens.cacheWrite * rates.cacheWrite;
  const input = fresh * rates.input + cached;
  const output = tokens.output * (rates.output ?? 0);
  return { input, output, total: input + output };
}
