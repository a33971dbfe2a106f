// Bench: all rows, in the order in which they are run and printed.

import type { Row } from "../bench-context.ts";
import { firstToken, latency } from "./latency-rows.ts";
import { paced, plain, streams, streamsWithUsage } from "./throughput-rows.ts";

export const rows: readonly Row[] = [plain, streams, latency, firstToken, streamsWithUsage, paced];
