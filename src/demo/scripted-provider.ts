// Demo, tests and bench: an LLM provider whose every reply, fault and silence is scripted. Speaks OpenAI and
// Anthropic on one loopback port. Runs on the thread that starts it; keeps what it was asked, on request.

import { providerAnswer } from "./provider-answer.ts";
import {
  carriedScript,
  namedScript,
  ordinary,
  type ProviderRequest,
  type Script,
} from "./provider-script.ts";
import { startRawHttpServer, type RawReply } from "./raw-http-server.ts";
import type { RawRequest } from "./raw-request.ts";
import { deliverAtOnce, deliverPaced } from "./reply-delivery.ts";
import { replyBytes } from "./stream-faults.ts";

/** What arrived, and what became of its reply. Changes while the reply is sent. */
export interface RecordedRequest extends ProviderRequest {
  /** The n its response id and usage derive from (provider-usage.ts). */
  readonly call: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Whether the other side left before the reply was whole. */
  aborted: boolean;
  /** Whether the reply was sent to its end, planned cuts included. */
  ended: boolean;
  /** Body bytes handed to the socket. */
  sentBytes: number;
}

export interface ScriptedProviderOptions {
  readonly port?: number;
  /** Scripts for models named `model!name`. */
  readonly named?: Readonly<Record<string, Script>>;
  /** Asked for each request that carries no script itself; undefined means an ordinary reply. */
  readonly script?: (request: ProviderRequest) => Script | undefined;
  /** Keep requests for `requests` (default true). The bench says false. */
  readonly record?: boolean;
}

export interface ScriptedProvider {
  /** `http://127.0.0.1:PORT`, without `/v1`; every path is taken with and without it. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly RecordedRequest[];
  /** Calls so far, recorded or not. */
  readonly callCount: () => number;
  readonly openConnections: () => number;
  readonly stop: () => void;
}

/** Starts it on 127.0.0.1. Throws if the port is taken. */
export function startScriptedProvider(options: ScriptedProviderOptions = {}): ScriptedProvider {
  const requests: RecordedRequest[] = [];
  const failures = new Map<string, number>();
  let calls = 0;

  const answer = (raw: RawRequest, reply: RawReply): void => {
    const call = ++calls;
    const record = recordRequest(call, raw);
    if (options.record !== false) requests.push(record);
    const script = chooseScript(raw, record, options, failures);
    const given = providerAnswer(call, record, script);
    reply.onGone(() => {
      record.aborted = true;
    });
    const delivery = {
      ...given,
      bytes: replyBytes(given.pieces, script),
      script,
      onPiece: (sizeBytes: number): void => {
        record.sentBytes += sizeBytes;
      },
    };
    if (deliverAtOnce(reply, delivery)) {
      record.ended = true;
      return;
    }
    deliverPaced(reply, delivery).then(
      () => {
        record.ended = !record.aborted && script.hang === undefined;
      },
      () => reply.reset(),
    );
  };

  const server = startRawHttpServer({
    answer,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    requests,
    callCount: () => calls,
    openConnections: server.openConnections,
    stop: server.stop,
  };
}

/** A script that cannot be read is answered by a 500 that says so. */
function chooseScript(
  raw: RawRequest,
  request: ProviderRequest,
  options: ScriptedProviderOptions,
  failures: Map<string, number>,
): Script {
  try {
    const header = /\r\nx-script:/i.test(raw.head) ? raw.header("x-script") : undefined;
    const model = request.json?.["model"];
    const chosen =
      carriedScript(header, request.json) ??
      (typeof model === "string" ? namedScript(model, options.named ?? {}) : undefined) ??
      options.script?.(request) ??
      ordinary;
    return failing(chosen, request, failures);
  } catch (error) {
    const body = JSON.stringify({ error: { message: `bad script: ${String(error)}` } });
    return { status: 500, body };
  }
}

/** The script of a request that fails first: the failure while its key has failures left, then the rest. */
function failing(script: Script, request: ProviderRequest, failures: Map<string, number>): Script {
  const { failFirst } = script;
  if (failFirst === undefined) return script;
  const key = failFirst.key ?? `${request.path} ${request.body}`;
  const failed = failures.get(key) ?? 0;
  if (failed >= failFirst.times) return script;
  failures.set(key, failed + 1);
  return { status: failFirst.status, headers: failFirst.headers ?? {} };
}

/** Headers are parsed only when somebody looks: the bench does not. */
function recordRequest(call: number, raw: RawRequest): RecordedRequest {
  const body = Buffer.from(raw.body.buffer, raw.body.byteOffset, raw.body.length).toString();
  return {
    call,
    at: performance.timeOrigin + performance.now(),
    method: raw.method,
    path: raw.path,
    get headers() {
      return raw.headers();
    },
    body,
    json: parsed(body),
    aborted: false,
    ended: false,
    sentBytes: 0,
  };
}

function parsed(body: string): Readonly<Record<string, unknown>> | undefined {
  if (!body.startsWith("{")) return undefined;
  try {
    return JSON.parse(body) as Readonly<Record<string, unknown>>;
  } catch {
    // No JSON is an ordinary case: the answer is the API's own 400.
    return undefined;
  }
}
