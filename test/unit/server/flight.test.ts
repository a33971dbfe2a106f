import { expect, test } from "bun:test";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { CallResult, CallTask } from "../../../src/protocol/call-task.ts";
import type { CallDeps } from "../../../src/server/call-deps.ts";
import type { StreamListener } from "../../../src/server/call-dispatch.ts";
import { fly } from "../../../src/server/flight.ts";
import { createCallSource } from "../../support/server-calls.ts";

/** A call at a pool that does as the test says; `timer` is what the connection's idle timer was set to. */
function takeOff() {
  const run = Promise.withResolvers<CallResult>();
  const commits: (() => void)[] = [];
  const timer: number[] = [];
  let heard: StreamListener | undefined;
  const deps = {
    config: { tracing: { replyWaitsFor: "commit" } },
    clock: () => 0,
    pool: {
      run: (_: CallTask, listener: StreamListener) => {
        heard = listener;
        return run.promise;
      },
    },
    exporter: {
      commit: () => new Promise<void>((resolve) => commits.push(resolve)),
      workerPart: () => undefined,
    },
    openCalls: { release: () => undefined },
    report: () => undefined,
    refusals: { take: () => false },
  } as unknown as CallDeps;
  const request = new Request("http://gateway.test:4000/v1/chat/completions", { method: "POST" });
  const call = createCallSource().open();
  const task = { call: call.id, provider: "main" } as unknown as CallTask;
  const host = { timeout: (_: Request, seconds: number): void => void timer.push(seconds) };
  const reply = fly(request, { call, task, host, deps });
  const commit = async (): Promise<void> => {
    await Bun.sleep(0); // what settled has been told
    for (const done of commits.splice(0)) done();
  };
  return { run, timer, reply, commit, listener: heard as StreamListener };
}

const head = { status: 200, headers: '{"content-type":"text/event-stream"}' };
const plain = { kind: "reply", ...head, body: "{}", isText: true, outcome: noOutcome } as const;
const failed = {
  kind: "failed",
  code: "provider_cut",
  message: "cut",
  outcome: noOutcome,
} as const;

test.each([plain, failed])(
  "a plain call is never cut for its silence; once it is answered the timer is back: $kind",
  async (result) => {
    const { run, timer, reply, commit } = takeOff();
    expect(timer).toEqual([0]);
    run.resolve(result);
    await Bun.sleep(0);
    expect(timer).toEqual([0]); // the wait for the ledger is no silence of the client's
    await commit();
    expect((await reply).status).toBe(result.kind === "reply" ? 200 : 502);
    expect(timer).toEqual([0, 60]);
  },
);

test.each(["overloaded", "worker_lost"] as const)(
  "nor one that no worker answers: %s",
  async (code) => {
    const { run, timer, reply, commit } = takeOff();
    run.reject(new GatewayError(code, "none"));
    await commit();
    expect((await reply).status).toBe(503);
    expect(timer).toEqual([0, 60]);
  },
);

test("a stream has no timer from its head to its end", async () => {
  const { timer, reply, commit, listener } = takeOff();
  const credit = (): void => undefined;
  listener.receive({ kind: "head", call: "c", ...head, text: "data: 1\n\n" }, credit);
  await reply;
  expect(timer).toEqual([0]);
  const end = { kind: "end", call: "c", status: 0, headers: "", text: "", last: "data: 2\n\n" };
  listener.receive({ ...end, kind: "end", errorCode: "", outcome: noOutcome }, credit);
  await commit();
  await Bun.sleep(0);
  expect(timer).toEqual([0, 60]);
});
