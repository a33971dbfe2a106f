import { expect, test } from "bun:test";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { ErrorCode } from "../../../src/errors/gateway-error.ts";
import { outcomeLabel } from "../../../src/server/call-report.ts";
import type { CallReport } from "../../../src/server/call-report.ts";
import { createCallSource, reportOf } from "../../support/server-calls.ts";

const failure = (code: ErrorCode) => ({ failure: { code, message: "" } });
const failed = { outcome: { ...noOutcome, errorType: "500" } };

test.each([
  ["ok", {}],
  ["ok", { outcome: noOutcome }],
  ["provider_error", { status: 429 }],
  ["provider_error", { status: 200, ...failed }],
  ["failed", { status: 502, ...failed, ...failure("provider_unreachable") }],
  ["failed", { status: 200, ...failure("provider_cut") }],
  ["blocked", { status: 400, ...failure("guardrail_blocked") }],
  ["failed", { status: 503, ...failure("guardrail_failed") }],
  ["client_disconnected", { status: undefined, ...failure("client_disconnected") }],
  ["refused", { status: 401, ...failure("unauthorized"), refused: true }],
  ["refused", { status: undefined, ...failure("client_disconnected"), refused: true }],
] as readonly (readonly [string, Partial<CallReport>])[])("%s for %o", (label, changes) => {
  expect(outcomeLabel(reportOf(createCallSource().open(), changes))).toBe(label as never);
});
