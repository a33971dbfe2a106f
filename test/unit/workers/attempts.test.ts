import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import type { RefusedAttempt } from "../../../src/protocol/call-task.ts";
import { StatusCode } from "../../../src/tracing/recorder/span-encoding.ts";
import { connectionErrorCode, sendWithRetries } from "../../../src/workers/attempts.ts";
import type { Attempt, AttemptsDeps, UpstreamRequest } from "../../../src/workers/attempts.ts";
import { createCancellation } from "../../../src/workers/cancellation.ts";
import type { Upstream } from "../../../src/workers/upstream.ts";
import { asFetch, createTestSpans, testUpstream } from "../../support/call-states.ts";
import { realDeadlines } from "../../support/real-deadlines.ts";

type Answer = Response | Error | "hang";

interface Sent {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly init: RequestInit;
}

/** A provider that gives these answers, the last one again and again. */
function setUp(
  answers: readonly Answer[],
  { provider = {}, deps = {} }: { provider?: Partial<Upstream>; deps?: Partial<AttemptsDeps> } = {},
) {
  let nowMs = 1_700_000_000_000;
  const clock = (): number => nowMs;
  const { recorder, spans, start } = createTestSpans(clock);
  const cancellation = createCancellation();
  const sent: Sent[] = [];
  const waits: RefusedAttempt[] = [];
  const all: AttemptsDeps = {
    provider: testUpstream(provider),
    spans: recorder,
    startSpan: start,
    clock,
    elapsed: clock,
    deadlines: realDeadlines(),
    random: () => 1,
    cancellation,
    // Told in place of waiting, and the clock goes on by as much.
    waitTurn(refused) {
      waits.push(refused);
      nowMs += refused.delayMs;
      return Promise.resolve();
    },
    fetch: asFetch((url, init) => {
      sent.push({ url, init, headers: init.headers as Record<string, string> });
      const given = answers[Math.min(sent.length, answers.length) - 1];
      if (given instanceof Response) return Promise.resolve(given);
      if (given instanceof Error) return Promise.reject(given);
      return new Promise((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      });
    }),
    ...deps,
  };
  const send = (request: Partial<UpstreamRequest> = {}): Promise<Attempt> =>
    sendWithRetries(
      {
        path: "/chat/completions",
        method: "POST",
        headers: {},
        keyHeader: "",
        body: "{}",
        repeatable: true,
        ...request,
      },
      all,
    );
  return { send, sent, spans, waits, cancellation, tick: (ms: number) => void (nowMs += ms) };
}

function answer(status: number, headers: Record<string, string> = {}): Response {
  return new Response("body", { status, headers });
}

function refusedBy(code: string): Error {
  return Object.assign(new Error("no connection"), { code });
}

async function failureOf(attempt: Promise<Attempt>): Promise<GatewayError> {
  const outcome = await attempt.catch((error: unknown) => error);
  if (outcome instanceof GatewayError) return outcome;
  throw new Error("it did not fail");
}

describe("an answer that no waiting helps", () => {
  const quota = { error: { message: "no quota", code: "insufficient_quota" } };

  test("is passed on as it came: an account that has nothing left", async () => {
    const { send, sent, waits } = setUp([Response.json(quota, { status: 429 }), answer(200)]);
    const { response, settle } = await send();
    expect(await response.json()).toEqual(quota);
    settle();
    expect({ status: response.status, sent: sent.length, waits }).toEqual({
      status: 429,
      sent: 1,
      waits: [],
    });
  });

  test.each(["", "not json", JSON.stringify({ error: { code: "rate_limit_exceeded" } })])(
    "is no other one of that status: %p",
    async (body) => {
      const { send, sent } = setUp([new Response(body, { status: 429 }), answer(200)]);
      const { response, settle } = await send();
      settle();
      expect({ status: response.status, sent: sent.length }).toEqual({ status: 200, sent: 2 });
    },
  );

  test("nor one that does not come to its end: it is waited for no longer than a moment", async () => {
    let calls = 0;
    const endless = (): ReadableStream =>
      new ReadableStream({ start: (controller) => controller.enqueue("{") });
    const provider = Bun.serve({
      port: 0,
      fetch: () => (++calls === 1 ? new Response(endless(), { status: 429 }) : answer(200)),
    });
    try {
      const { send } = setUp([], {
        provider: { baseUrl: provider.url.origin, timeoutMs: 60_000 },
        deps: { fetch },
      });
      const { response, settle } = await send();
      settle();
      expect({ status: response.status, calls }).toEqual({ status: 200, calls: 2 });
    } finally {
      await provider.stop(true);
    }
  });

  test("nor one too long to be read", async () => {
    const long = JSON.stringify({ ...quota, filler: "x".repeat(200_000) });
    const { send, sent } = setUp([new Response(long, { status: 429 }), answer(200)]);
    const { settle } = await send();
    settle();
    expect(sent).toHaveLength(2);
  });
});

describe("an attempt", () => {
  test("carries its own span's context, and says where it went without any secret", async () => {
    const { send, sent, spans } = setUp([answer(200)], {
      provider: { baseUrl: "http://user:pass@provider.test:8080/v1" },
    });
    const { response, span, settle } = await send({ path: "/files?key=secret" });
    settle();
    expect(response.status).toBe(200);
    expect(sent[0]?.url).toBe("http://user:pass@provider.test:8080/v1/files?key=secret");
    expect(sent[0]?.headers["traceparent"]).toBe(`00-${span.traceId}-${span.spanId}-01`);
    expect(sent[0]?.headers["tracestate"]).toBe("vendor=1");
    expect(spans).toEqual([span]);
    expect(span).toMatchObject({ name: "POST", kind: 3, statusCode: StatusCode.unset });
    expect(span.attributes).toEqual({
      "http.request.method": "POST",
      "url.full": `http://${"REDACTED:REDACTED"}@provider.test:8080/v1/files`,
      "server.address": "provider.test",
      "server.port": 8080,
      "http.response.status_code": 200,
    });
    expect(span.endMs).toBeUndefined(); // its body is still to be read
  });

  test("follows no redirect, and has no time limit but ours", async () => {
    const { send, sent } = setUp([answer(302, { location: "http://elsewhere.test" })]);
    (await send()).settle();
    expect(sent).toHaveLength(1);
    expect(sent[0]?.init as object).toMatchObject({ redirect: "manual", timeout: false });
  });

  test.each([400, 401, 404, 422])("that is answered %d is passed on as it is", async (status) => {
    const { send, spans, sent } = setUp([answer(status)]);
    const { response, settle } = await send();
    settle();
    expect(await response.text()).toBe("body");
    expect(sent).toHaveLength(1);
    expect(spans[0]?.statusCode).toBe(StatusCode.error);
    expect(spans[0]?.attributes["error.type"]).toBe(String(status));
  });
});

describe("an attempt is made again", () => {
  test("on a connection of its own, where the kept one broke off", async () => {
    const { send, sent } = setUp([answer(429), refusedBy("ECONNRESET"), answer(200)]);
    (await send()).settle();
    const kept = sent.map(({ init }) => init.keepalive ?? true);
    expect(kept).toEqual([true, true, false]);
  });

  test("after a failure of the provider; each has a span, and the good one's answer counts", async () => {
    const { send, sent, spans, waits } = setUp([
      answer(500),
      refusedBy("ConnectionReset"),
      answer(200),
    ]);
    const { response, settle } = await send();
    settle();
    expect(response.status).toBe(200);
    expect(waits.map(({ status, delayMs, isTold }) => [status, delayMs, isTold])).toEqual([
      [500, 250, false],
      [0, 500, false],
    ]);
    expect(spans.map(({ attributes }) => attributes["http.request.resend_count"])).toEqual([
      undefined,
      1,
      2,
    ]);
    expect(spans.map(({ attributes }) => attributes["error.type"])).toEqual([
      "500",
      "ConnectionReset",
      undefined,
    ]);
    expect(spans.map(({ endMs }) => endMs !== undefined)).toEqual([true, true, false]);
    expect(new Set(sent.map(({ headers }) => headers["traceparent"])).size).toBe(3);
  });

  test("as often as configured: the last answer is passed on, the others are let go", async () => {
    const letGo: number[] = [];
    const bodies = [0, 1, 2].map(
      (at) =>
        new Response(new ReadableStream({ cancel: () => void letGo.push(at) }), { status: 503 }),
    );
    const { send, sent, spans } = setUp(bodies);
    const { response, settle } = await send();
    settle();
    expect(sent).toHaveLength(3);
    expect(response).toBe(bodies[2]!);
    expect(letGo).toEqual([0, 1]);
    expect(spans[2]?.endMs).toBeUndefined();
  });

  test("though the body of the answer before is broken", async () => {
    const broken = new Response(
      new ReadableStream({ cancel: () => Promise.reject(new Error("x")) }),
      {
        status: 500,
      },
    );
    const { send, sent } = setUp([broken, answer(200)]);
    const { response, settle } = await send();
    settle();
    expect(response.status).toBe(200);
    expect(sent.map(({ init }) => init.signal?.aborted)).toEqual([true, false]);
  });

  test("never, where no retries are configured", async () => {
    const { send, sent } = setUp([answer(500)], { provider: { retries: 0 } });
    (await send()).settle();
    expect(sent).toHaveLength(1);
  });

  test("when no connection is left it is the provider that cannot be reached", async () => {
    const { send, sent, spans } = setUp([refusedBy("ECONNRESET")]);
    const failure = await failureOf(send());
    expect(failure.code).toBe("provider_unreachable");
    expect(failure.message).toBe("provider main could not be reached (ECONNRESET)");
    expect(sent).toHaveLength(3);
    expect(spans.every(({ endMs }) => endMs !== undefined)).toBe(true);
  });

  test("after as long as the provider says", async () => {
    const { send, waits } = setUp([answer(429, { "retry-after": "7" }), answer(200)]);
    (await send()).settle();
    expect(waits).toEqual([{ status: 429, delayMs: 7000, isTold: true }]);
  });

  test("not when the provider asks for more than the budget: the caller hears it at once", async () => {
    const { send, waits, sent } = setUp([answer(429, { "retry-after": "11" })]);
    const { response, settle } = await send();
    settle();
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("11");
    expect([sent.length, waits.length]).toEqual([1, 0]);
  });

  test("not when what attempts took has used up the budget", async () => {
    const again = { "retry-after-ms": "6000" };
    const { send, waits } = setUp([answer(500, again)], { provider: { retries: 9 } });
    (await send()).settle();
    expect(waits).toHaveLength(1); // 6 s and 6 s are more than 10
  });

  test("not after the provider's silence, which took its time already", async () => {
    const { send, sent, spans } = setUp(["hang"], { provider: { timeoutMs: 1 } });
    const failure = await failureOf(send());
    expect(failure.code).toBe("provider_timeout");
    expect(failure.message).toBe("provider main did not answer within 1 ms");
    expect(sent).toHaveLength(1);
    expect(spans[0]?.attributes["error.type"]).toBe("timeout");
  });
});

describe("a request that may not be made twice", () => {
  test.each([
    [answer(429), 2],
    [refusedBy("ConnectionRefused"), 2],
    [refusedBy("ECONNREFUSED"), 2],
    [answer(500), 1],
    [answer(503, { "retry-after": "1" }), 1],
    [answer(408), 1],
    [refusedBy("ECONNRESET"), 1],
    [new Error("what happened?"), 1],
  ])("after %o is made %d times", async (first, times) => {
    const { send, sent } = setUp([first, answer(200)]);
    const outcome = await send({ repeatable: false }).catch((error: unknown) => error);
    if (!(outcome instanceof GatewayError)) (outcome as Attempt).settle();
    expect(sent).toHaveLength(times);
  });
});

describe("a call whose turn is somebody else's to give", () => {
  test("outlasts many refusals by a limit, more than its own retries", async () => {
    const { send, sent, waits } = setUp(
      [...Array.from({ length: 50 }, () => answer(429, { "retry-after-ms": "1" })), answer(200)],
      { provider: { retries: 1 } },
    );
    (await send()).settle();
    expect([sent.length, waits.length]).toEqual([51, 50]);
  });

  test("but not for ever", async () => {
    const { send, sent } = setUp([answer(529, { "retry-after-ms": "0" })], {
      provider: { retries: 0 },
    });
    (await send()).settle();
    expect(sent).toHaveLength(201);
  });

  test("has only its own retries for all else", async () => {
    const { send, sent } = setUp([answer(500, { "retry-after-ms": "0" })]);
    (await send()).settle();
    expect(sent).toHaveLength(3);
  });
});

describe("a cancelled call", () => {
  test("makes no attempt any more, and has no span of one", async () => {
    const { send, sent, spans, cancellation } = setUp([answer(200)]);
    cancellation.cancel("draining");
    expect((await failureOf(send())).code).toBe("draining");
    expect([sent.length, spans.length]).toEqual([0, 0]);
  });

  test("closes its connection; a caller's leaving is no error of the attempt", async () => {
    const { send, sent, spans, cancellation } = setUp(["hang"]);
    const failure = failureOf(send());
    cancellation.cancel("client_disconnected");
    expect((await failure).code).toBe("client_disconnected");
    expect(sent[0]?.init.signal?.aborted).toBe(true);
    expect(spans[0]?.statusCode).toBe(StatusCode.unset);
    expect(spans[0]?.attributes["everyspan.client_disconnected"]).toBe(true);
    expect(spans[0]?.attributes["error.type"]).toBeUndefined();
    expect(spans[0]?.endMs).toBeDefined();
  });

  test("for another reason says which", async () => {
    const { send, spans, cancellation } = setUp(["hang"]);
    const failure = failureOf(send());
    cancellation.cancel("guardrail_blocked");
    expect((await failure).code).toBe("guardrail_blocked");
    expect(spans[0]?.attributes["error.type"]).toBe("guardrail_blocked");
  });

  test("does not wait for the end of its back-off, nor try again", async () => {
    const { send, sent, spans, cancellation } = setUp([answer(503, { "retry-after": "600" })], {
      provider: { retryBudgetMs: 3_600_000 },
      deps: { waitTurn: undefined },
    });
    const failure = failureOf(send());
    // The answer has been let go, and the wait begun, once its span has ended.
    while (spans[0]?.endMs === undefined) await new Promise((resolve) => setImmediate(resolve));
    cancellation.cancel("client_disconnected");
    expect((await failure).code).toBe("client_disconnected");
    expect([sent.length, spans.length]).toEqual([1, 1]);
    expect(spans[0]?.attributes["error.type"]).toBe("503");
  });

  test("is not sent again though the answer would allow it", async () => {
    const response = answer(503);
    const cancellation = createCancellation();
    const { send, waits } = setUp([response], {
      deps: {
        cancellation,
        fetch: asFetch(() => {
          cancellation.cancel("client_disconnected");
          return Promise.resolve(response);
        }),
      },
    });
    const { abortedBy, settle } = await send();
    settle();
    expect(abortedBy()).toBe("client_disconnected");
    expect(waits).toEqual([]);
  });
});

describe("an answer whose body is to be read", () => {
  test("is aborted when it goes silent, and says so", async () => {
    const { send, sent } = setUp([answer(200)]);
    const { abortedBy, expectMore } = await send();
    expect(abortedBy()).toBeUndefined();
    const { signal } = sent[0]!.init;
    const aborted = new Promise((resolve) => signal!.addEventListener("abort", resolve));
    expectMore(1);
    await aborted;
    expect(abortedBy()).toBe("provider_timeout");
  });

  test("keeps the first reason for its end", async () => {
    const { send, cancellation, sent } = setUp([answer(200)]);
    const { abortedBy, abort, settle } = await send();
    cancellation.cancel("draining");
    abort();
    settle();
    expect(abortedBy()).toBe("draining");
    expect(sent[0]?.init.signal?.aborted).toBe(true);
  });
});

test.each([
  [refusedBy("ECONNRESET"), "ECONNRESET"],
  [Object.assign(new Error("x"), { code: "" }), "Error"],
  [Object.assign(new Error("x"), { code: 7 }), "Error"],
  [new TypeError("fetch failed"), "TypeError"],
  ["a string", "_OTHER"],
  [null, "_OTHER"],
  [undefined, "_OTHER"],
])("%o is named in a few words for the span: %s", (error, code) => {
  expect(connectionErrorCode(error)).toBe(code);
});
