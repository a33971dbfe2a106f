// What `everyspan status` prints for a person. Pure.

import type { Account } from "../protocol/exporter-message.ts";
import type { LedgerCall, RejectedCall } from "../tracing/exporter/ledger-reader.ts";
import { callPicture } from "./call-picture.ts";
import { printable } from "./printable.ts";

/** Calls and spans in the ledger, then one line per destination. */
export function accountText(account: Account, path: string): string {
  const lines = [
    `ledger ${path}`,
    `calls ${account.calls}   open ${account.openCalls}   ` +
      `spans committed ${account.committed}   open ${account.openSpans}   lost ${account.lost}`,
  ];
  if (account.destinations.length === 0) lines.push("no destinations: the ledger alone");
  for (const destination of account.destinations) {
    const { name, state, pending, exported, rejected, expired, unsampled, lastError } = destination;
    lines.push(
      `${name} (${state}): spans exported ${exported}   pending ${pending}   rejected ${rejected}   ` +
        `expired ${expired}   unsampled ${unsampled}`,
    );
    if (lastError !== "") lines.push(`  last error: ${printable(lastError)}`);
  }
  return lines.join("\n");
}

/** Each call as a picture, oldest first, so that the newest is what one sees. */
export function callsText(calls: readonly LedgerCall[]): string {
  return calls.toReversed().map(callText).join("\n\n");
}

function callText({ call, atMs, isOpen, sampled, isReadable, spans }: LedgerCall): string {
  if (!isReadable && spans.length === 0) return `call ${call} cannot be read in the ledger`;
  const torn = isReadable ? "" : `call ${call} cannot be read whole in the ledger\n`;
  const state = isOpen ? "  still open" : sampled ? "" : "  not sampled";
  const at = new Date(atMs).toISOString();
  return `${torn}trace ${spans[0]?.traceId ?? ""}  ${at}${state}\n${callPicture(spans)}`;
}

export function rejectedText(rejected: readonly RejectedCall[]): string {
  // Spans can be rejected without it: of what a destination takes in part nothing is to be sent again.
  if (rejected.length === 0) return "no call was refused as a whole";
  return rejected
    .map(
      ({ destination, rejectedAtMs, reason, spanCount, traceId }) =>
        `${new Date(rejectedAtMs).toISOString()}  ${destination}  trace ${traceId}  ` +
        `${spanCount} spans\n  ${printable(reason)}`,
    )
    .join("\n");
}
