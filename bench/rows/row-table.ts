// Bench: all rows, in the order in which they are run and printed.

import type { Row } from "../bench-context.ts";
import { batch } from "./batch-rows.ts";
import { inFlight, kill, memory, million, overload, start } from "./capacity-rows.ts";
import { firstToken, latency } from "./latency-rows.ts";
import { paced, plain, streams, streamsApart, streamsWithUsage } from "./throughput-rows.ts";
import { promptSize, replySize, threads, tracingCost } from "./variant-rows.ts";

export const rows: readonly Row[] = [
  plain,
  streams,
  streamsApart,
  latency,
  firstToken,
  inFlight,
  memory,
  start,
  overload,
  kill,
  tracingCost,
  threads,
  promptSize,
  replySize,
  streamsWithUsage,
  paced,
  batch,
  million,
];
