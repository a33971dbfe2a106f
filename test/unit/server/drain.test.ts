import { expect, test } from "bun:test";
import { createDrain } from "../../../src/server/drain.ts";

/** A server with calls in flight; `ends` says what ends them all. */
function draining(ends: "by themselves" | "when cancelled" | "with their threads" | "never") {
  let open = ["a", "b"];
  let pending = 0;
  const idle = Promise.withResolvers<void>();
  const done: string[] = [];
  const notices: string[] = [];
  const end = (): void => {
    open = [];
    idle.resolve();
  };
  const drain = createDrain({
    openCalls: { idle: () => idle.promise, count: () => open.length, ids: () => open.values() },
    pool: {
      cancel(call, code) {
        done.push(`cancel ${call} ${code}`);
        if (ends === "when cancelled") end();
      },
      async stop() {
        done.push("stop");
        if (ends === "with their threads") end();
      },
    },
    pendingRequests: () => pending,
    timeoutMs: ends === "by themselves" ? 60_000 : 30,
    notice: (_level, text) => void notices.push(text),
  });
  const setPending = (count: number): void => void (pending = count);
  return { drain, end, done, notices, setPending };
}

test("calls that end in time are left alone", async () => {
  const { drain, end, done, notices } = draining("by themselves");
  const running = drain.run();
  end();
  await running;
  expect({ done, notices }).toEqual({ done: [], notices: [] });
});

test("calls that do not are cancelled, which is said", async () => {
  const { drain, done, notices } = draining("when cancelled");
  await drain.run();
  expect(done).toEqual(["cancel a draining", "cancel b draining"]);
  expect(notices).toEqual(["ending the calls that still run: 2"]);
});

test("calls that do not even hear that end with their threads", async () => {
  const { drain, done, notices } = draining("with their threads");
  await drain.run();
  expect(done.at(-1)).toBe("stop");
  expect(notices.at(-1)).toBe("ending the threads of calls that do not end: 2");
}, 10_000);

test("who is in a hurry does not wait for the timeout", async () => {
  const { drain, end, done } = draining("by themselves");
  const running = drain.run();
  drain.hurry();
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 5);
  await promise;
  expect(done).toEqual(["cancel a draining", "cancel b draining"]);
  end();
  await running;
});

test("replies that are on their way are given time, but not for ever", async () => {
  const { drain, end, setPending } = draining("by themselves");
  setPending(1);
  end();
  const running = drain.run();
  setTimeout(() => setPending(0), 20);
  await running;
  const stuck = draining("by themselves");
  stuck.setPending(1);
  stuck.end();
  stuck.drain.hurry();
  await stuck.drain.run();
});
