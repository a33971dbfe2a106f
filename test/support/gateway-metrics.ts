// Tests: the account as /metrics tells it. A number that does not add up is a bug, at every scrape.

import { waitFor } from "./wait-for.ts";

export interface ScrapedAccount {
  readonly recorded: number;
  readonly committed: number;
  readonly open: number;
  readonly lost: number;
  readonly callsInFlight: number;
  readonly workerRestarts: number;
  /** By destination, then by state. */
  readonly destinations: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Scrapes once; throws when recorded is not committed + open + lost. */
export async function scrape(url: string): Promise<ScrapedAccount> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string): number => {
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    if (line === undefined) throw new Error(`no ${name} in /metrics`);
    return Number(line.slice(name.length + 1));
  };
  const destinations: Record<string, Record<string, number>> = {};
  for (const [, name = "", state = "", spans] of text.matchAll(
    /^everyspan_destination_spans\{destination="([^"]+)",state="([^"]+)"\} (\d+)$/gm,
  )) {
    destinations[name] = { ...destinations[name], [state]: Number(spans) };
  }
  const account: ScrapedAccount = {
    recorded: value("everyspan_spans_recorded_total"),
    committed: value("everyspan_spans_committed_total"),
    open: value("everyspan_spans_open"),
    lost: value("everyspan_spans_lost_total"),
    callsInFlight: value("everyspan_calls_in_flight"),
    workerRestarts: value("everyspan_worker_restarts_total"),
    destinations,
  };
  const { recorded, committed, open, lost } = account;
  if (recorded !== committed + open + lost) {
    throw new Error(`the account does not add up: ${JSON.stringify(account)}`);
  }
  return account;
}

/** Waits until nothing is open and nothing pending, and checks every destination's account. */
export async function quietAccount(url: string, deadlineMs = 10_000): Promise<ScrapedAccount> {
  return waitFor(
    async () => {
      const account = await scrape(url);
      const each = Object.values(account.destinations);
      if (account.open > 0 || each.some((spans) => (spans["pending"] ?? 0) > 0)) return undefined;
      return account;
    },
    deadlineMs,
    "a quiet account",
  );
}

/** exported + pending + rejected + expired + unsampled */
export function destinationSum(spans: Readonly<Record<string, number>> | undefined): number {
  return Object.values(spans ?? {}).reduce((sum, count) => sum + count, 0);
}
