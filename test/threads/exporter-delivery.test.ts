// The exporter thread on its main path: real thread, real ledger, real sockets.

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
import { startReceiver, type ScriptedReceiver } from "../support/scripted-receiver.ts";
import { waitFor } from "../support/wait-for.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function folder(): string {
  const { path, remove } = temporaryFolder();
  cleanups.push(remove);
  return path;
}

function receiver(...start: Parameters<typeof startReceiver>): ScriptedReceiver {
  const started = startReceiver(...start);
  cleanups.push(started.stop);
  return started;
}

async function exporter(...start: Parameters<typeof startExporter>): Promise<TestExporter> {
  const started = await startExporter(...start);
  cleanups.push(() => started.worker.terminate());
  return started;
}

describe("delivery", () => {
  test("commits calls and exports them in commit order within 200 ms", async () => {
    const out = receiver();
    const thread = await exporter(
      testTracing(folder(), { destinations: [testDestination("main", out.endpoint)] }),
    );
    const calls = Array.from({ length: 300 }, () => testCall());
    for (const call of calls) thread.send(finished(call));
    await thread.committed(...calls.map(({ call }) => call));
    await waitFor(() => out.accepted().length === 900, 5000, "all spans at the receiver");
    expect(out.accepted().map(({ spanId }) => spanId)).toEqual(calls.flatMap((c) => c.spanIds));

    const account = await waitFor(async () => {
      const now = await thread.account();
      return now.destinations[0]?.pending === 0 && now;
    }, 2000);
    expect(account).toMatchObject({ calls: 300, committed: 900, lost: 0, openCalls: 0 });
    expect(account.destinations[0]).toMatchObject({ exported: 900, rejected: 0, state: "active" });
    assertAddsUp(account);

    const startedAt = performance.now();
    const one = testCall();
    thread.send(finished(one));
    await waitFor(() => out.accepted().length === 903, 5000);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    assertAddsUp(await thread.stop());
  });

  test("takes the same call twice once", async () => {
    const out = receiver();
    const thread = await exporter(
      testTracing(folder(), { destinations: [testDestination("main", out.endpoint)] }),
    );
    const call = testCall();
    thread.send(finished(call));
    thread.send(finished(call));
    await thread.committed(call.call);
    thread.send(finished(call));
    const account = await thread.stop();
    expect(account).toMatchObject({ calls: 1, committed: 3 });
    expect(out.accepted()).toHaveLength(3);
  });

  test("starts again at its cursor and sends the very same bytes", async () => {
    const out = receiver(() => new Response("later", { status: 503 }));
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
    });
    const first = await exporter(tracing);
    const calls = [testCall(), testCall()];
    for (const call of calls) first.send(finished(call));
    await first.committed(...calls.map(({ call }) => call));
    await waitFor(() => out.requests.length > 0, 2000);
    const before = await first.stop(0);
    expect(before.destinations[0]).toMatchObject({ pending: 6, exported: 0 });
    const refused = out.requests.findLast((request) => request.spans.length === 6);

    out.answerWith(() => new Response(null, { status: 200 }));
    const second = await exporter(tracing);
    await waitFor(() => out.accepted().length === 6, 5000);
    const sent = out.requests.find((request) => request.status === 200);
    expect(sent?.body).toEqual(refused?.body as Uint8Array);
    expect((await second.stop()).destinations[0]).toMatchObject({ pending: 0, exported: 6 });
    const third = await exporter(tracing);
    expect((await third.stop()).destinations[0]).toMatchObject({ pending: 0, exported: 6 });
    expect(out.accepted()).toHaveLength(6);
  });

  test("keeps unsampled calls and does not export them", async () => {
    const out = receiver();
    const thread = await exporter(
      testTracing(folder(), { destinations: [testDestination("main", out.endpoint)] }),
    );
    const [kept, sent] = [testCall({ sampled: false }), testCall()];
    thread.send(finished(kept));
    thread.send(finished(sent));
    await thread.committed(kept.call, sent.call);
    await waitFor(() => out.accepted().length === 3, 2000);
    const account = await thread.stop();
    expect(account.destinations[0]).toMatchObject({ committed: 6, exported: 3, unsampled: 3 });
    assertAddsUp(account);
    expect(out.accepted().every(({ traceId }) => traceId === sent.traceId)).toBe(true);
  });

  test("a dead destination holds up nobody else", async () => {
    const [alive, dead] = [receiver(), receiver(() => new Response("no", { status: 500 }))];
    const thread = await exporter(
      testTracing(folder(), {
        destinations: [
          testDestination("dead", dead.endpoint),
          testDestination("alive", alive.endpoint, { compression: "gzip" }),
        ],
      }),
    );
    const calls = Array.from({ length: 20 }, () => testCall());
    for (const call of calls) thread.send(finished(call));
    await waitFor(async () => (await thread.account()).destinations[1]?.exported === 60, 5000);
    await waitFor(() => thread.health()?.reasons.includes("dead is retrying"), 2000);
    expect(alive.requests[0]?.headers["content-encoding"]).toBe("gzip");
    const account = await thread.stop(0);
    assertAddsUp(account);
    expect(account.destinations).toMatchObject([
      { name: "dead", pending: 60, exported: 0, state: "retrying" },
      { name: "alive", pending: 0, exported: 60, state: "active" },
    ]);
  });
});

describe("open calls", () => {
  test("are closed as interrupted by the next process, and only by another one", async () => {
    const out = receiver();
    const tracing = testTracing(folder(), {
      destinations: [testDestination("main", out.endpoint)],
    });
    const first = await exporter(tracing, "run-1");
    const call = testCall({ openFrom: 1 });
    const { kind: _, ...rest } = finished(call);
    first.send({ kind: "journal", part: "server", ...rest });
    const open = await waitFor(async () => {
      const account = await first.account();
      return account.openCalls === 1 && account;
    }, 2000);
    expect(open).toMatchObject({ openSpans: 3, committed: 0 });
    await first.worker.terminate();

    const successor = await exporter(tracing, "run-1");
    expect(await successor.account()).toMatchObject({ openCalls: 1, committed: 0 });
    await successor.stop();

    const next = await exporter(tracing, "run-2");
    await waitFor(() => out.accepted().length === 3, 2000);
    expect(await next.stop()).toMatchObject({ openCalls: 0, calls: 1, committed: 3 });
    const [root, ...closed] = out.accepted();
    expect(root?.statusCode).toBe(0);
    for (const span of closed) {
      expect(span.statusCode).toBe(2);
      expect(span.attributes).toMatchObject({
        "error.type": "interrupted",
        "everyspan.interrupted": true,
      });
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs);
    }
  });

  test("an abandoned call gets its journaled worker part, closed", async () => {
    const out = receiver();
    const thread = await exporter(
      testTracing(folder(), { destinations: [testDestination("main", out.endpoint)] }),
    );
    const [own, part] = [testCall({ spans: 1 }), testCall({ spans: 2, openFrom: 0 })];
    const { call } = own;
    thread.send({ ...part, kind: "journal", call, part: "worker" });
    const endedAtMs = Date.now() + 5000;
    const abandoned = {
      kind: "abandoned",
      call,
      spans: own.spans,
      spanCount: 1,
      fallbackSpans: testCall({ spans: 1 }).spans,
      fallbackSpanCount: 1,
      sampled: true,
      endedAtMs,
      errorType: "worker_lost",
      message: "the thread is gone",
    } as const;
    await waitFor(async () => (await thread.account()).openCalls === 1, 2000);
    thread.send(abandoned);
    const bare = testCall({ spans: 1 });
    thread.send({ ...abandoned, call: bare.call, spans: bare.spans });
    await thread.committed(call, bare.call);
    await waitFor(() => out.accepted().length === 5, 2000);
    const account = await thread.stop();
    expect(account).toMatchObject({ committed: 5, openCalls: 0, calls: 2 });
    const closed = out.accepted().slice(1, 3);
    expect(closed.map(({ spanId }) => spanId)).toEqual([...part.spanIds]);
    for (const span of closed) {
      expect(span.attributes["error.type"]).toBe("worker_lost");
      expect(span.statusMessage).toBe("the thread is gone");
      expect(Math.abs((span.endMs ?? 0) - endedAtMs)).toBeLessThan(0.01);
    }
  });
});
