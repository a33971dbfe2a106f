// Tests: clients that call one after another, each under a caller's span of its own, and keep a book of what was
// asked and what came back.

import type { Script } from "../../src/demo/provider-script.ts";
import { apiBody, readApiReply, routes } from "./api-calls.ts";
import type { ApiRoute } from "./api-calls.ts";
import type { RandomSource } from "./random-source.ts";
import { newCallerSpan } from "./trace-context.ts";
import type { CallerSpan } from "./trace-context.ts";

export interface BookedCall {
  readonly caller: CallerSpan;
  readonly route: ApiRoute;
  readonly stream: boolean;
  readonly sentAtMs: number;
  /** `whole`: the reply came to its end. `broken`: the connection went first. */
  state: "open" | "whole" | "broken";
  status: number | undefined;
  errorType: string | undefined;
  /** The client left of its own accord. */
  hasLeft: boolean;
}

export interface CallLoad {
  readonly book: readonly BookedCall[];
  /** No more calls; resolves when those under way have ended, one way or another. */
  readonly stop: () => Promise<void>;
}

export interface LoadOptions {
  readonly url: string;
  readonly clients: number;
  readonly random: RandomSource;
  /** What the provider does with a call. */
  readonly script: (random: RandomSource, stream: boolean) => Script;
  readonly prompt?: (random: RandomSource) => string;
  /** Whether a client leaves a call in its middle, and after how long. */
  readonly leaveAfterMs?: (random: RandomSource) => number | undefined;
}

export function startLoad(options: LoadOptions): CallLoad {
  const book: BookedCall[] = [];
  const state = { isStopping: false };
  const client = async (): Promise<void> => {
    while (!state.isStopping) await callOnce(options, book);
  };
  const clients = Array.from({ length: options.clients }, client);
  return {
    book,
    async stop() {
      state.isStopping = true;
      await Promise.all(clients);
    },
  };
}

async function callOnce(options: LoadOptions, book: BookedCall[]): Promise<void> {
  const { random, url } = options;
  const route = random.pick(routes);
  const stream = random.next() < 0.5;
  const script = options.script(random, stream);
  const leaveAfterMs = options.leaveAfterMs?.(random);
  const prompt = options.prompt?.(random) ?? `call ${book.length}`;
  const call: BookedCall = {
    caller: newCallerSpan(),
    route,
    stream,
    sentAtMs: performance.now(),
    state: "open",
    status: undefined,
    errorType: undefined,
    hasLeft: false,
  };
  book.push(call);
  try {
    const reply = await fetch(url + route, {
      method: "POST",
      headers: { "content-type": "application/json", ...call.caller.headers },
      body: apiBody({ route, stream, script, prompt }),
      ...(leaveAfterMs !== undefined && { signal: AbortSignal.timeout(leaveAfterMs) }),
    });
    call.status = reply.status;
    const said = readApiReply(route, await reply.text());
    call.errorType = said.errorType;
    call.state = !stream || said.ended || said.errorType !== undefined ? "whole" : "broken";
  } catch (error) {
    // The gateway was killed, or the client has left: what this test is about.
    call.state = "broken";
    call.hasLeft = error instanceof Error && error.name === "TimeoutError";
    await Bun.sleep(5);
  }
}
