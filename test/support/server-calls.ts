// Tests: calls as the server thread has them, with a clock and ids that the test can foresee.

import type { CallReport } from "../../src/server/call-report.ts";
import { matchRoute } from "../../src/server/routes.ts";
import type { Route } from "../../src/server/routes.ts";
import { openServerCall } from "../../src/server/server-call.ts";
import type { ServerCall } from "../../src/server/server-call.ts";
import type { SpanContext } from "../../src/tracing/recorder/propagation.ts";
import { createSpanWriter } from "../../src/tracing/recorder/span-writer.ts";

export const testTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

export interface CallSource {
  readonly open: (options?: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly trace?: Partial<SpanContext>;
  }) => ServerCall;
  readonly clock: () => number;
  readonly tick: (ms: number) => void;
}

export function createCallSource(): CallSource {
  let nowMs = 1_700_000_000_000;
  let ids = 0;
  const nextId = (): string => (++ids).toString(16);
  const clock = (): number => nowMs;
  return {
    clock,
    tick: (ms) => void (nowMs += ms),
    open({ method = "POST", path = "/v1/chat/completions", headers = {}, trace = {} } = {}) {
      const url = new URL(path, "http://gateway.test:4000");
      return openServerCall(
        new Request(url.href, { method, headers }),
        {
          route: routeOf(path),
          target: {
            pathname: url.pathname,
            search: url.search,
            hostname: url.hostname,
            port: Number(url.port),
          },
          trace: {
            traceId: testTraceId,
            spanId: "",
            traceFlags: 1,
            traceState: "",
            isRemote: false,
            ...trace,
          },
        },
        {
          clock,
          writer: createSpanWriter(),
          ids: {
            traceId: () => nextId().padStart(32, "0"),
            spanId: () => nextId().padStart(16, "0"),
            callId: () => `00000000-0000-7000-8000-${nextId().padStart(12, "0")}`,
          },
        },
      );
    },
  };
}

export function routeOf(path: string): Route {
  const route = matchRoute(path, false);
  if (route === undefined) throw new Error(`no route for ${path}`);
  return route;
}

/** A good call's report, but for what is said. */
export function reportOf(call: ServerCall, changes: Partial<CallReport> = {}): CallReport {
  return { call, status: 200, outcome: undefined, failure: undefined, refused: false, ...changes };
}
