// docs/metrics.md: every metric and every error has its line there, and no line is of one that there is not.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { errorCodes, errorRule } from "../../src/errors/gateway-error.ts";
import type { ErrorCode } from "../../src/errors/gateway-error.ts";
import { createGatewayMetrics } from "../../src/server/gateway-metrics.ts";
import { labelSetsMax } from "../../src/server/metric-series.ts";
import { metricsText } from "../../src/server/metrics-text.ts";

const page = readFileSync(resolve(import.meta.dir, "../../docs/metrics.md"), "utf8");

test("the page lists every metric with its type, and none that there is not", () => {
  const noSpans = { recorded: 0, committed: 0, open: 0, lost: 0 };
  const account = { calls: 0, committed: 0, lost: 0, openCalls: 0, openSpans: 0, destinations: [] };
  const text = metricsText(
    { spans: noSpans, account, callsInFlight: 0, workerRestarts: 0, refusedUntraced: 0 },
    createGatewayMetrics(),
  );
  const served = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, ...each]) => each.join(" "));
  const listed = [...page.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)];
  expect(listed.map(([, ...each]) => each.join(" ")).toSorted()).toEqual(served.toSorted());
  expect(page).toContain(`keeps ${labelSetsMax}\nsets of labels`);
});

test("the page lists every error with its status, and says where `retry-after` comes", () => {
  const lines = [...page.matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (\d{3}) \| (.*) \|$/gm)];
  const listed = lines.flatMap(([, codes = "", status, text = ""]) =>
    [...codes.matchAll(/\w+/g)].map(([code]) => ({
      code: code as ErrorCode,
      status: Number(status),
      retries: text.includes("`retry-after`"),
    })),
  );
  const byCode = (a: { code: string }, b: { code: string }): number => (a.code < b.code ? -1 : 1);
  const ours = errorCodes.map((code) => {
    const { status, retryAfterSeconds } = errorRule(code);
    return { code, status, retries: retryAfterSeconds !== undefined };
  });
  expect(listed.toSorted(byCode)).toEqual(ours.toSorted(byCode));
});
