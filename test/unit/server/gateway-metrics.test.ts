import { describe, expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import { createGatewayMetrics } from "../../../src/server/gateway-metrics.ts";
import { createCallSource, reportOf } from "../../support/server-calls.ts";

function setUp() {
  const { open, tick, clock } = createCallSource();
  const metrics = createGatewayMetrics();
  const lines = (pattern: RegExp): string[] =>
    metrics.series
      .flatMap((series) => series.text().split("\n"))
      .filter((line) => !line.startsWith("#") && pattern.test(line));
  return { open, tick, clock, metrics, lines };
}

const chat = 'route="/v1/chat/completions"';

describe("the gateway's figures", () => {
  test("count calls by route and outcome", () => {
    const { open, clock, metrics, lines } = setUp();
    const failure = { code: "provider_cut", message: "" } as const;
    for (const report of [
      reportOf(open()),
      reportOf(open()),
      reportOf(open(), { failure }),
      reportOf(open({ path: "/v1/messages" }), { status: 401, refused: true }),
      reportOf(open({ path: "/v1/files/one" })),
      reportOf(open({ path: "/v1/files/two" })),
    ]) {
      metrics.record(report, clock());
    }
    expect(lines(/^everyspan_calls_total/)).toEqual([
      `everyspan_calls_total{${chat},outcome="ok"} 2`,
      `everyspan_calls_total{${chat},outcome="failed"} 1`,
      'everyspan_calls_total{route="/v1/messages",outcome="refused"} 1',
      'everyspan_calls_total{route="/v1/*",outcome="ok"} 2',
    ]);
  });

  test("take the provider's time out of a call's overhead, never below nothing", () => {
    const { open, tick, clock, metrics, lines } = setUp();
    const call = open();
    tick(500);
    metrics.record(reportOf(call, { outcome: { ...noOutcome, providerMs: 480 } }), clock());
    expect(lines(/duration_seconds_sum\{route/)).toEqual([
      `everyspan_call_duration_seconds_sum{${chat}} 0.5`,
    ]);
    const overhead = Number(lines(/overhead_seconds_sum/)[0]?.split(" ")[1]);
    expect(overhead).toBeCloseTo(0.02, 6);
    metrics.record(reportOf(open(), { outcome: { ...noOutcome, providerMs: 900 } }), clock());
    expect(Number(lines(/overhead_seconds_sum/)[0]?.split(" ")[1])).toBeCloseTo(0.02, 6);
    expect(lines(/overhead_seconds_count/)[0]).toEndWith(" 2");
  });

  test("count a refused call, but not its overhead, which would flatter the rest", () => {
    const { open, clock, metrics, lines } = setUp();
    metrics.record(reportOf(open(), { status: 401, refused: true }), clock());
    expect(lines(/call_duration_seconds_count/)[0]).toEndWith(" 1");
    expect(lines(/overhead_seconds_count/)[0]).toEndWith(" 0");
  });

  test("hand a call's outcome on with the model that the caller asked for", () => {
    const { open, clock, metrics, lines } = setUp();
    const call = open({ path: "/v1/messages" });
    call.model = "fast";
    const outcome = { ...noOutcome, chatSeconds: 1, responseModel: "claude-haiku-4-5" };
    metrics.record(reportOf(call, { outcome }), clock());
    const [line] = lines(/gen_ai_client_inference_duration_seconds_count/);
    expect(line).toContain('gen_ai_provider_name="anthropic"');
    expect(line).toContain('gen_ai_request_model="fast"');
  });
});
