// The whole account of one moment: what the exporter says of the ledger, and what is still on its way there.
// Server thread.

import type { Account } from "../protocol/exporter-message.ts";
import type { ExporterThread } from "./exporter-thread.ts";
import type { SpanAccount } from "./metrics-text.ts";
import type { OpenCalls } from "./open-calls.ts";

export interface GatewayAccount {
  /** recorded = committed + open + lost */
  readonly spans: SpanAccount;
  /** Undefined when the exporter did not answer in time. */
  readonly ledger: Account | undefined;
}

/**
 * `recorded` is counted on this side, over the ledger's whole life: what earlier processes recorded is taken
 * from the ledger once, when it is first seen; from then on the two sides are counted apart.
 */
export function createSpanAccount(
  exporter: Pick<ExporterThread, "account" | "handedOverSpans" | "unsettledSpans" | "health">,
  openCalls: Pick<OpenCalls, "spanCount">,
): () => Promise<GatewayAccount> {
  let recordedBefore: number | undefined;

  return async () => {
    const ledger = await exporter.account();
    const committed = ledger?.committed ?? 0;
    const lost = ledger?.lost ?? 0;
    const inFlight = openCalls.spanCount();
    const handedOver = exporter.handedOverSpans();
    const unsettled = exporter.unsettledSpans();
    const before = recordedBefore ?? committed + lost - (handedOver - unsettled);
    if (ledger !== undefined && exporter.health().ledgerUp) recordedBefore ??= before;
    return {
      ledger,
      spans: {
        recorded: before + handedOver + inFlight,
        committed,
        open: unsettled + inFlight,
        lost,
      },
    };
  };
}
