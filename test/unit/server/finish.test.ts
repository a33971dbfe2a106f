import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { CallCommand } from "../../../src/protocol/exporter-message.ts";
import type { CallDeps } from "../../../src/server/call-deps.ts";
import type { CallReport } from "../../../src/server/call-report.ts";
import { commit, refuse } from "../../../src/server/finish.ts";
import { createCallSource } from "../../support/server-calls.ts";

/** What a call is closed with, and what it did there. */
function closing({ takes = true, waitsFor = "commit" } = {}) {
  const commits: CallCommand[] = [];
  const reports: CallReport[] = [];
  const bugs: unknown[] = [];
  const spent: number[] = [];
  const committed = Promise.withResolvers<void>();
  const deps = {
    clock: () => 0,
    config: { tracing: { replyWaitsFor: waitsFor } },
    exporter: {
      commit(command: CallCommand) {
        commits.push(command);
        return committed.promise;
      },
    },
    refusals: { take: () => takes, spend: (bytes: number) => void spent.push(bytes) },
    openCalls: { bug: (error: unknown) => void bugs.push(error) },
    report: (report: CallReport) => void reports.push(report),
  } as unknown as CallDeps;
  return { deps, commits, reports, bugs, spent, settle: committed.resolve };
}

const refusal = new GatewayError("invalid_request", "no such thing");

describe("a call refused at the door", () => {
  test("is answered at once, and traced as a refusal that goes first when space runs out", async () => {
    const { deps, commits, reports, spent } = closing();
    const call = createCallSource().open();
    const response = refuse(call, refusal, deps);
    expect(response.status).toBe(400);
    expect(response.headers.get("x-trace-id")).toBe(call.traceId);
    expect(await response.text()).toContain("no such thing");
    expect(commits).toMatchObject([{ kind: "finished", call: call.id, isRefusal: true }]);
    const [command] = commits;
    expect(spent).toEqual([command?.spans.length ?? -1]);
    expect(reports).toMatchObject([
      { status: 400, refused: true, failure: { code: "invalid_request" } },
    ]);
  });

  test("beyond the budget is answered all the same, and nothing of it is kept", () => {
    const { deps, commits, reports } = closing({ takes: false });
    const call = createCallSource().open();
    expect(refuse(call, refusal, deps).status).toBe(400);
    expect(commits).toEqual([]);
    expect(call.sealed).toBe(true);
    expect(reports).toHaveLength(1);
  });

  test("for a bug of ours says nothing of it, but to the log", async () => {
    const { deps, bugs } = closing();
    const bug = new TypeError("undefined is not the prompt");
    const response = refuse(createCallSource().open({ path: "/v1/messages" }), bug, deps);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("undefined");
    expect(bugs).toEqual([bug]);
  });

  test("says which methods there are where it was the method", () => {
    const error = new GatewayError("method_not_allowed", "use POST here");
    const response = refuse(createCallSource().open({ method: "GET" }), error, closing().deps);
    expect(response.headers.get("allow")).toBe("POST");
  });
});

describe("a commit", () => {
  const command = { kind: "finished", call: "c", spans: "", spanCount: 0, sampled: true } as const;

  test("is waited for", async () => {
    const { deps, commits, settle } = closing();
    let isDone = false;
    const waiting = commit(deps, command).then(() => void (isDone = true));
    await Promise.resolve();
    expect({ isDone, commits }).toEqual({ isDone: false, commits: [command] });
    settle();
    await waiting;
  });

  test("is not waited for where replies wait for nothing", async () => {
    const { deps, commits } = closing({ waitsFor: "nothing" });
    await commit(deps, command);
    expect(commits).toEqual([command]);
  });
});
