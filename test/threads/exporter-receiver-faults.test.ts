// What receivers do to the exporter: real thread, real ledger, real sockets.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import {
  assertAddsUp,
  finished,
  startExporter,
  temporaryFolder,
  testCall,
  testDestination,
  testTracing,
  type TestExporter,
} from "../support/exporter-harness.ts";
import { acceptAll, startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { openLedgerReader, requestRetry } from "../../src/tracing/exporter/ledger-reader.ts";
import type { DestinationConfig, TracingConfig } from "../../src/config/schema.ts";
import { waitFor } from "../support/wait-for.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function receiver(...start: Parameters<typeof startReceiver>): ScriptedReceiver {
  const started = startReceiver(...start);
  cleanups.push(started.stop);
  return started;
}

function tracingTo(out: { endpoint: string }, changes: Partial<DestinationConfig> = {}) {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return testTracing(path, { destinations: [testDestination("main", out.endpoint, changes)] });
}

async function exporter(tracing: TracingConfig): Promise<TestExporter> {
  const started = await startExporter(tracing);
  cleanups.push(() => started.worker.terminate());
  return started;
}

/** What `everyspan status` reads, beside the exporter or after it. */
function statusOf(tracing: TracingConfig) {
  const reading = openLedgerReader(tracing.ledger.path);
  if (!reading.ok) throw new Error(reading.error);
  const [destination] = reading.reader.account().destinations;
  reading.reader.close();
  return destination;
}

function settled(thread: TestExporter, pending = 0) {
  return waitFor(
    async () => {
      const account = await thread.account();
      return account.destinations[0]?.pending === pending && account;
    },
    15_000,
    `${pending} pending spans`,
  );
}

const refuse =
  (status: number, text = "no") =>
  () =>
    new Response(text, { status });

describe("answers that a later try may change", () => {
  test.each([
    ["503", refuse(503)],
    [
      "429 with Retry-After",
      () => new Response("", { status: 429, headers: { "retry-after": "1" } }),
    ],
    ["408", refuse(408)],
    [
      "a redirect to a login page",
      () => new Response("", { status: 302, headers: { location: "http://127.0.0.1:9/login" } }),
    ],
    [
      "a web page with status 200",
      () => new Response("<html>welcome</html>", { headers: { "content-type": "text/html" } }),
    ],
  ])("%s is retried until it is accepted, and nothing is lost", async (_name, answer) => {
    const out = receiver(answer);
    const thread = await exporter(tracingTo(out));
    const call = testCall();
    thread.send(finished(call));
    await waitFor(() => thread.health()?.reasons.includes("main is retrying"), 5000);
    out.answerWith(acceptAll);
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 3, rejected: 0, state: "active" });
    assertAddsUp(account);
    const bodies = out.requests.map(({ body }) => Buffer.from(body).toString("hex"));
    expect(new Set(bodies).size).toBe(1);
    await waitFor(() => thread.health()?.reasons === "", 2000);
  });

  test("an unreachable receiver gets everything once it is there", async () => {
    const probe = receiver();
    await probe.stop();
    const thread = await exporter(tracingTo(probe));
    const calls = Array.from({ length: 5 }, () => testCall());
    for (const call of calls) thread.send(finished(call));
    await waitFor(() => thread.health()?.reasons.includes("retrying"), 5000);
    const back = receiver(acceptAll, probe.port);
    await settled(thread);
    expect(back.accepted().map(({ spanId }) => spanId)).toEqual(calls.flatMap((c) => c.spanIds));
  });

  test("a receiver that never answers is given up after the timeout and tried again", async () => {
    let hangs = true;
    const out = receiver(async () => {
      if (hangs) await Bun.sleep(1500);
      return new Response(null);
    });
    const thread = await exporter(tracingTo(out, { timeoutMs: 300 }));
    thread.send(finished(testCall()));
    await waitFor(() => thread.health()?.reasons.includes("no answer within 300 ms"), 5000);
    hangs = false;
    expect((await settled(thread)).destinations[0]).toMatchObject({ exported: 3 });
  });

  test("Retry-After is honoured", async () => {
    const out = receiver(() => new Response("", { status: 503, headers: { "retry-after": "2" } }));
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall()));
    await waitFor(() => out.requests.length === 1, 2000);
    const firstAt = performance.now();
    out.answerWith(acceptAll);
    await waitFor(() => out.requests.length === 2, 5000);
    expect(performance.now() - firstAt).toBeGreaterThan(1900);
  });
});

describe("calls that a receiver refuses", () => {
  test("are found by halving and set aside, the rest arrives in order", async () => {
    const poison = testCall({ name: "poison" });
    const out = receiver((spans) =>
      spans.some(({ name }) => name === "poison")
        ? new Response("bad span", { status: 400 })
        : new Response(null),
    );
    const tracing = tracingTo(out);
    const thread = await exporter(tracing);
    const calls = Array.from({ length: 20 }, (_, at) => (at === 13 ? poison : testCall()));
    for (const call of calls) thread.send(finished(call));
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 57, rejected: 3, state: "active" });
    assertAddsUp(account);
    const good = calls.filter((call) => call !== poison);
    expect(out.accepted().map(({ spanId }) => spanId)).toEqual(good.flatMap((c) => c.spanIds));

    const reading = openLedgerReader(tracing.ledger.path);
    if (!reading.ok) throw new Error(reading.error);
    expect(reading.reader.rejected()).toMatchObject([
      {
        destination: "main",
        call: poison.call,
        traceId: poison.traceId,
        spanCount: 3,
        reason: "HTTP 400: bad span",
      },
    ]);
    reading.reader.close();

    out.answerWith(acceptAll);
    expect(requestRetry(tracing.ledger.path, "main")).toBe(true);
    await waitFor(() => out.accepted().some(({ name }) => name === "poison"), 5000);
    const after = await waitFor(async () => {
      const now = await thread.account();
      return now.destinations[0]?.rejected === 0 && now;
    }, 2000);
    assertAddsUp(after);
    expect(requestRetry(tracing.ledger.path, "main")).toBe(false);
  });

  test("a batch too large is halved and stays so", async () => {
    const out = receiver((spans) => new Response("", { status: spans.length > 12 ? 413 : 200 }));
    const thread = await exporter(tracingTo(out));
    for (let count = 0; count < 50; count += 1) thread.send(finished(testCall({ padding: 9000 })));
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 150, rejected: 0 });
  });

  test("while nothing was ever accepted the destination pauses and sets nothing aside", async () => {
    const out = receiver(refuse(422, "x-mlflow-experiment-id is missing"));
    const thread = await exporter(tracingTo(out));
    const calls = Array.from({ length: 30 }, () => testCall());
    for (const call of calls) thread.send(finished(call));
    await waitFor(() => thread.health()?.reasons.includes("main is paused: HTTP 422"), 5000);
    expect((await thread.account()).destinations[0]).toMatchObject({ pending: 90, rejected: 0 });
    out.answerWith(acceptAll);
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 90, rejected: 0, state: "active" });
    expect(out.accepted().map(({ spanId }) => spanId)).toEqual(calls.flatMap((c) => c.spanIds));
  });

  test("a poison call at the head of the queue after a start is found by those behind it", async () => {
    const out = receiver((spans) =>
      spans.some(({ name }) => name === "poison") ? refuse(400)() : new Response(null),
    );
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall({ name: "poison" })));
    thread.send(finished(testCall()));
    expect((await settled(thread)).destinations[0]).toMatchObject({ exported: 3, rejected: 3 });
  });

  test("ten single calls refused in a row are taken back, and the destination pauses", async () => {
    const out = receiver();
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall()));
    await settled(thread);
    out.answerWith(refuse(400));
    for (let count = 1; count <= 9; count += 1) {
      thread.send(finished(testCall()));
      await waitFor(async () => {
        const account = await thread.account();
        return account.destinations[0]?.rejected === 3 * count;
      }, 5000);
    }
    thread.send(finished(testCall()));
    await waitFor(() => thread.health()?.reasons.includes("main is paused"), 5000);
    const paused = await thread.account();
    expect(paused.destinations[0]).toMatchObject({ pending: 30, rejected: 0, exported: 3 });
    assertAddsUp(paused);
    out.answerWith(acceptAll);
    expect((await settled(thread)).destinations[0]).toMatchObject({ exported: 33, rejected: 0 });
  });

  test("a paused destination sets nothing aside while it is probed, nor when it recovers under way", async () => {
    const out = receiver();
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall()));
    await settled(thread);
    out.answerWith(refuse(400));
    for (let count = 0; count < 12; count += 1) thread.send(finished(testCall()));
    await waitFor(() => thread.health()?.reasons.includes("main is paused"), 5000);
    const setAside = () => thread.notices().filter((text) => text.includes("set aside")).length;
    const before = setAside();
    const sent = out.requests.length;
    let left = 10 + 3;
    out.answerWith((...asked) => (left-- > 0 ? refuse(400)() : acceptAll(...asked)));
    expect((await settled(thread)).destinations[0]).toMatchObject({ exported: 39, rejected: 0 });
    expect(out.requests.length - sent).toBeGreaterThan(13);
    expect(setAside()).toBe(before);
  });

  test("spans rejected by a partial success are counted and their message is logged", async () => {
    // ExportTraceServiceResponse{partial_success{rejected_spans: 2, error_message: "odd"}}
    const partial = Uint8Array.from([0x0a, 0x07, 0x08, 0x02, 0x12, 0x03, 0x6f, 0x64, 0x64]);
    const out = receiver(() => new Response(partial));
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall()));
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 1, rejected: 2 });
    assertAddsUp(account);
    expect(thread.notices().join("\n")).toContain("2 spans rejected: odd");
    expect(out.requests).toHaveLength(1);
  });

  test("the same partial success at each request is said once, and counted each time", async () => {
    const partial = Uint8Array.from([0x0a, 0x07, 0x08, 0x02, 0x12, 0x03, 0x6f, 0x64, 0x64]);
    const out = receiver(() => new Response(partial));
    const thread = await exporter(tracingTo(out));
    for (let count = 1; count <= 3; count += 1) {
      thread.send(finished(testCall()));
      await waitFor(() => out.requests.length === count, 5000);
      await settled(thread);
    }
    expect((await settled(thread)).destinations[0]).toMatchObject({ exported: 3, rejected: 6 });
    expect(thread.notices().filter((text) => text.includes("odd"))).toHaveLength(1);
  });
});

describe("a destination that is misconfigured", () => {
  test.each([401, 415])("pauses at once on %d and goes on by itself", async (status) => {
    const out = receiver(refuse(status, "wrong key"));
    const thread = await exporter(tracingTo(out));
    thread.send(finished(testCall()));
    await waitFor(
      () => thread.health()?.reasons.includes(`main is paused: HTTP ${status}: wrong key`),
      5000,
    );
    expect(out.requests).toHaveLength(1);
    out.answerWith(acceptAll);
    const account = await settled(thread);
    expect(account.destinations[0]).toMatchObject({ exported: 3, rejected: 0, state: "active" });
  });
});

describe("what the ledger says of a destination after a restart", () => {
  /** An exporter that leaves three spans behind, and why. */
  async function leftBehind(tracing: TracingConfig, reason: string): Promise<void> {
    const first = await exporter(tracing);
    first.send(finished(testCall()));
    await waitFor(() => first.health()?.reasons.includes(reason), 5000);
    await first.stop(0);
  }

  test.each([
    ["no receiver was there", undefined, "retrying"],
    ["the receiver knew no such key", refuse(401, "wrong key"), "paused"],
  ])("%s: that is forgotten once it accepts", async (_name, answer, state) => {
    const probe = receiver(answer);
    const tracing = tracingTo(probe);
    if (answer === undefined) await probe.stop();
    await leftBehind(tracing, `main is ${state}`);
    expect(statusOf(tracing)).toMatchObject({ state, pending: 3 });

    if (answer === undefined) receiver(acceptAll, probe.port);
    else probe.answerWith(acceptAll);
    const second = await exporter(tracing);
    await settled(second);
    await waitFor(() => statusOf(tracing)?.state === "active", 3000, "an active destination");
    expect(statusOf(tracing)).toMatchObject({ lastError: "", pending: 0, exported: 3 });
  });

  test("as long as nothing is known, what was known before stands", async () => {
    const out = receiver(refuse(503, "busy"));
    const tracing = tracingTo(out);
    await leftBehind(tracing, "main is retrying");
    const asked = Promise.withResolvers<void>();
    out.answerWith(() => {
      asked.resolve();
      return Promise.withResolvers<Response>().promise;
    });
    const second = await exporter(tracing);
    await asked.promise;
    await second.stop(0);
    expect(statusOf(tracing)).toMatchObject({ state: "retrying", lastError: "HTTP 503: busy" });
  });

  test("with nothing to send, it is not said to be in trouble", async () => {
    const out = receiver();
    const tracing = tracingTo(out);
    const first = await exporter(tracing);
    first.send(finished(testCall()));
    await settled(first);
    await first.stop();
    const database = new Database(tracing.ledger.path);
    database.run("UPDATE destinations SET state = 'retrying', last_error = 'HTTP 503'");
    database.close();
    await exporter(tracing);
    await waitFor(() => statusOf(tracing)?.state === "active", 3000, "an active destination");
    expect(statusOf(tracing)).toMatchObject({ lastError: "", pending: 0 });
  });
});

test("a destination that takes what it refused after some tries is not in trouble", async () => {
  const out = receiver();
  const tracing = tracingTo(out);
  const thread = await exporter(tracing);
  thread.send(finished(testCall()));
  await settled(thread);
  out.answerWith(refuse(400));
  thread.send(finished(testCall()));
  await waitFor(async () => (await thread.account()).destinations[0]?.rejected === 3, 5000);
  out.answerWith(refuse(503));
  expect(requestRetry(tracing.ledger.path, "main")).toBe(true);
  await waitFor(() => thread.health()?.reasons.includes("main is retrying"), 5000);
  out.answerWith(acceptAll);
  await waitFor(async () => (await thread.account()).destinations[0]?.exported === 6, 5000);
  await waitFor(() => thread.health()?.reasons === "", 2000, "no trouble");
  expect(statusOf(tracing)).toMatchObject({ state: "active", lastError: "" });
});

test("http/json carries the same spans", async () => {
  const out = receiver();
  const thread = await exporter(tracingTo(out, { protocol: "http/json" }));
  const call = testCall();
  thread.send(finished(call));
  await settled(thread);
  const [request] = out.requests;
  expect(request?.headers["content-type"]).toBe("application/json");
  const json = JSON.parse(new TextDecoder().decode(request?.body)) as {
    resourceSpans: { scopeSpans: { spans: { spanId: string }[] }[] }[];
  };
  const spans = json.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
  expect(spans.map(({ spanId }) => spanId)).toEqual([...call.spanIds]);
});
