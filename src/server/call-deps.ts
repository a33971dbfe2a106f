// What handling a call needs, made once by the gateway and handed down.

import type { Config } from "../config/schema.ts";
import type { GatewayError } from "../errors/gateway-error.ts";
import type { CallReport } from "./call-report.ts";
import type { ExporterThread } from "./exporter-thread.ts";
import type { IntakeDeps } from "./intake.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { RefusalBudget } from "./refusal-budget.ts";
import type { Sampler } from "./sampler.ts";
import type { ServerCallDeps } from "./server-call.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface CallDeps extends IntakeDeps, ServerCallDeps {
  readonly config: Config;
  readonly pool: WorkerPool;
  readonly exporter: ExporterThread;
  readonly openCalls: OpenCalls;
  readonly refusals: RefusalBudget;
  readonly sampler: Sampler;
  /** Why a call cannot be taken now, or undefined. */
  readonly refusesNow: () => GatewayError | undefined;
  /** Told once per call; `endedMs`: when its reply was free to leave, milliseconds since the epoch. */
  readonly report: (report: CallReport, endedMs: number) => void;
}
