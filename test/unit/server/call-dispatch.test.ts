import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { noOutcome } from "../../../src/protocol/call-task.ts";
import type { CallResult, StreamMessage, WorkerMessage } from "../../../src/protocol/call-task.ts";
import { createCallDispatch } from "../../../src/server/call-dispatch.ts";
import type { DispatchOptions } from "../../../src/server/call-dispatch.ts";
import { testTask } from "../../support/call-tasks.ts";

interface Batch {
  readonly thread: number;
  readonly calls: readonly string[];
}

function setUp(options: Partial<DispatchOptions> = {}) {
  const batches: Batch[] = [];
  const late = new Set<number>();
  const dispatch = createCallDispatch({
    callsPerThread: 100,
    queueMax: 100,
    atOnceMax: 0,
    isLate: (thread) => late.has(thread),
    send: (thread, tasks) => void batches.push({ thread, calls: tasks.map(({ call }) => call) }),
    lost: () => new GatewayError("worker_lost", "gone"),
    ...options,
  });
  const heard: string[] = [];
  const ended: string[] = [];
  /** What became of a call, in the order in which calls ended. */
  function run(call: string): Promise<string> {
    const listener = {
      receive: (message: StreamMessage) => void heard.push(`${call} ${message.kind}`),
    };
    return dispatch
      .run({ ...testTask("{}"), call }, listener)
      .then(
        (result: CallResult) => result.kind,
        (error: unknown) => (error instanceof GatewayError ? error.code : String(error)),
      )
      .then((outcome) => {
        ended.push(`${call} ${outcome}`);
        return outcome;
      });
  }
  const say = (message: WorkerMessage): void => dispatch.receive(message, () => undefined);
  const reply = (call: string): void =>
    say({
      kind: "reply",
      call,
      status: 200,
      headers: "{}",
      body: "",
      isText: false,
      outcome: noOutcome,
    });
  return { dispatch, run, say, reply, batches, heard, ended, late };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What each thread was given, in the order it was given. */
function given(batches: readonly Batch[]): string[] {
  const threads = [...Map.groupBy(batches, ({ thread }) => thread)];
  return threads
    .map(([thread, own]) => `${thread}:${own.flatMap(({ calls }) => calls).join(",")}`)
    .toSorted();
}

describe("handing calls to threads", () => {
  test("with few calls in flight none waits for the end of the turn", () => {
    const { dispatch, run, batches } = setUp({ atOnceMax: 2 });
    dispatch.addThread(1);
    void run("a");
    void run("b");
    void run("c");
    expect(given(batches)).toEqual(["1:a,b"]);
  });

  test("those of one turn are spread evenly, and go to each thread together, in order", async () => {
    const { dispatch, run, batches } = setUp();
    dispatch.addThread(1);
    dispatch.addThread(2);
    const calls = Array.from({ length: 40 }, (_, at) => `c${at}`);
    for (const call of calls) void run(call);
    await turn();
    const odd = calls.filter((_, at) => at % 2 === 1);
    const even = calls.filter((_, at) => at % 2 === 0);
    expect(given(batches)).toEqual([`1:${even.join(",")}`, `2:${odd.join(",")}`]);
    // The first few may have gone at once.
    expect(batches.length).toBeLessThan(10);
    expect(calls.map(dispatch.threadOf)).toEqual(calls.map((_, at) => 1 + (at % 2)));
  });

  test("a thread that is late gets calls only when no other has room", async () => {
    const { dispatch, run, batches, late } = setUp({ callsPerThread: 2 });
    dispatch.addThread(1);
    dispatch.addThread(2);
    late.add(1);
    for (const call of ["a", "b", "c"]) void run(call);
    await turn();
    expect(given(batches)).toEqual(["1:c", "2:a,b"]);
  });

  test("calls wait for a thread to come, and for room on one, oldest first", async () => {
    const { dispatch, run, reply, batches } = setUp({ callsPerThread: 1 });
    expect(dispatch.isIdle()).toBe(true);
    for (const call of ["a", "b", "c"]) void run(call);
    await turn();
    expect(dispatch.isIdle()).toBe(false);
    expect(dispatch.queued()).toBe(3);
    expect(dispatch.threadOf("a")).toBeUndefined();
    dispatch.addThread(7);
    await turn();
    reply("a");
    await turn();
    expect(given(batches)).toEqual(["7:a,b"]);
    expect(dispatch.queued()).toBe(1);
  });

  test("a thread that was removed gets nothing more", async () => {
    const { dispatch, run, batches } = setUp();
    dispatch.addThread(1);
    dispatch.removeThread(1);
    void run("a");
    await turn();
    expect(batches).toEqual([]);
    expect(dispatch.queued()).toBe(1);
  });
});

describe("the queue", () => {
  test("is full at its bound: the call beyond it is refused at once", async () => {
    const { dispatch, run } = setUp({ callsPerThread: 1, queueMax: 2 });
    dispatch.addThread(1);
    void run("a");
    await turn();
    void run("b");
    void run("c");
    expect(await run("d")).toBe("overloaded");
    expect(dispatch.queued()).toBe(2);
    expect(dispatch.threadOf("d")).toBeUndefined();
  });

  test("takes no more in one turn of the loop than threads and queue have room for", async () => {
    const { dispatch, run, ended } = setUp({ callsPerThread: 2, queueMax: 3 });
    dispatch.addThread(1);
    dispatch.addThread(2);
    for (let call = 0; call < 6; call++) void run(`c${call}`);
    expect(dispatch.isFull()).toBe(false);
    for (let call = 6; call < 20; call++) void run(`c${call}`);
    expect(dispatch.isFull()).toBe(true);
    await turn();
    expect(dispatch.isFull()).toBe(true);
    expect(dispatch.queued()).toBe(3);
    expect(ended).toHaveLength(20 - 4 - 3);
    expect(ended[0]).toBe("c7 overloaded");
  });

  test("of length nothing still serves as many calls as threads may have", async () => {
    const { dispatch, run, reply } = setUp({ callsPerThread: 1, queueMax: 0 });
    dispatch.addThread(1);
    const first = run("a");
    expect(await run("b")).toBe("overloaded");
    await turn();
    reply("a");
    expect(await first).toBe("reply");
    void run("c");
    await turn();
    expect(dispatch.threadOf("c")).toBe(1);
  });

  test("can be left by a call that still waits, not by one on a thread or one that is gone", async () => {
    const { dispatch, run, batches } = setUp({ callsPerThread: 1 });
    dispatch.addThread(1);
    void run("a");
    await turn();
    const waiting = run("b");
    void run("c");
    const left = new GatewayError("client_disconnected", "gone");
    expect(dispatch.drop("a", left)).toBe(false);
    expect(dispatch.drop("b", left)).toBe(true);
    expect(dispatch.drop("b", left)).toBe(false);
    expect(dispatch.drop("nobody", left)).toBe(false);
    expect(await waiting).toBe("client_disconnected");
    expect(dispatch.queued()).toBe(1);
    dispatch.addThread(2);
    await turn();
    expect(given(batches)).toEqual(["1:a", "2:c"]);
  });
});

describe("what comes back", () => {
  test("a stream is heard part by part and ends with its end; what follows is nobody's", async () => {
    const { dispatch, run, say, heard } = setUp();
    dispatch.addThread(1);
    const result = run("a");
    await turn();
    say({ kind: "head", call: "a", status: 200, headers: "{}", text: "" });
    say({ kind: "part", call: "a", text: "x" });
    say({
      kind: "end",
      call: "a",
      status: 0,
      headers: "",
      text: "",
      last: "",
      errorCode: "",
      outcome: noOutcome,
    });
    say({ kind: "part", call: "a", text: "late" });
    expect(await result).toBe("streamed");
    expect(heard).toEqual(["a head", "a part", "a end"]);
    expect(dispatch.threadOf("a")).toBeUndefined();
  });

  test("a lost thread fails its own calls only, and none that had ended", async () => {
    const { dispatch, run, reply, ended } = setUp();
    dispatch.addThread(1);
    dispatch.addThread(2);
    const all = ["a", "b", "c", "d"].map(run);
    await turn();
    reply("a"); // on thread 1, as is c
    dispatch.removeThread(1);
    await turn();
    expect(ended).toEqual(["a reply", "c worker_lost"]);
    reply("b");
    reply("d");
    expect(await Promise.all(all)).toEqual(["reply", "reply", "worker_lost", "reply"]);
  });

  test("a call that ends makes room once, whatever its thread says later", async () => {
    const { dispatch, run, reply, batches } = setUp({ callsPerThread: 1 });
    dispatch.addThread(1);
    void run("a");
    await turn();
    reply("a");
    reply("a");
    void run("b");
    void run("c");
    await turn();
    expect(given(batches)).toEqual(["1:a,b"]);
    expect(dispatch.queued()).toBe(1);
  });

  test("what a removed thread says later changes nothing, and gives it no room again", async () => {
    const { dispatch, run, reply, batches } = setUp({ callsPerThread: 1 });
    dispatch.addThread(1);
    const result = run("a");
    await turn();
    dispatch.removeThread(1);
    reply("a");
    expect(await result).toBe("worker_lost");
    void run("b");
    await turn();
    expect(given(batches)).toEqual(["1:a"]);
  });
});
