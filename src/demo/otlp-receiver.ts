// Demo, tests and bench: an OTLP/HTTP trace receiver on loopback that can also misbehave in every way real
// ones do. Independent of our encoder and exporter: what it has received is the evidence of the tests.

import { gunzipSync } from "bun";
import { readJsonSpans } from "./otlp-json-reader.ts";
import { countProtobufSpans, readProtobufSpans } from "./otlp-protobuf.ts";
import { startRawHttpServer, type RawReply } from "./raw-http-server.ts";
import { plainResponse } from "./raw-response.ts";
import { acceptedOf, respond, type ReceiverBehaviour } from "./receiver-behaviour.ts";
import type { RawRequest } from "./raw-request.ts";
import type { ReceivedSpan } from "./received-span.ts";

export type ChooseBehaviour = (request: ReceivedRequest, nth: number) => ReceiverBehaviour | number;

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** The content-encoding; empty when none. */
  readonly encoding: string;
  /** The body after decompression; empty when only counting. */
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Empty when only counting. A body that cannot be read is answered 400 and not kept. */
  readonly spans: readonly ReceivedSpan[];
  readonly spanCount: number;
  /** How many of its spans were accepted. */
  readonly acceptedCount: number;
}

export interface OtlpReceiver {
  /** `http://127.0.0.1:PORT/v1/traces` */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** All accepted spans, in the order they came, repeats included. */
  readonly spans: () => readonly ReceivedSpan[];
  readonly acceptedCount: () => number;
  /** Resolves with all accepted spans once there are `count`, or once `condition` holds; rejects at the deadline. */
  readonly waitForSpans: (
    condition: number | ((spans: readonly ReceivedSpan[]) => boolean),
    deadlineMs: number,
  ) => Promise<readonly ReceivedSpan[]>;
  readonly setBehaviour: (behaviour: number | ReceiverBehaviour | ChooseBehaviour) => void;
  readonly stop: () => void;
}

export interface OtlpReceiverOptions {
  readonly port?: number;
  readonly behaviour?: number | ReceiverBehaviour | ChooseBehaviour;
  /** `count` keeps no bytes, for the bench (protobuf only). */
  readonly keep?: "spans" | "count";
}

/** Starts it on 127.0.0.1. Throws if the port is taken. */
export function startOtlpReceiver(options: OtlpReceiverOptions = {}): OtlpReceiver {
  const requests: ReceivedRequest[] = [];
  const accepted: ReceivedSpan[] = [];
  const checks = new Set<() => void>();
  let acceptedCount = 0;
  let choose = toChoice(options.behaviour ?? { kind: "accept" });
  let nth = 0;

  const answer = (raw: RawRequest, reply: RawReply): void => {
    let received: ReceivedRequest;
    let behaviour: ReceiverBehaviour;
    try {
      const pending = readRequest(raw, options.keep === "count");
      behaviour = toBehaviour(choose(pending, nth++));
      received = { ...pending, acceptedCount: acceptedOf(pending.spanCount, behaviour) };
    } catch (error) {
      reply.write(plainResponse(400, { "content-type": "text/plain" }, String(error)));
      reply.end();
      return;
    }
    if (options.keep !== "count") {
      requests.push(received);
      accepted.push(...received.spans.slice(received.spanCount - received.acceptedCount));
    }
    acceptedCount += received.acceptedCount;
    respond(reply, received.contentType, behaviour);
    for (const check of checks) check();
  };

  const server = startRawHttpServer({
    answer,
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1/traces`,
    port: server.port,
    requests,
    spans: () => accepted,
    acceptedCount: () => acceptedCount,
    waitForSpans(condition, deadlineMs) {
      const holds = (): boolean =>
        typeof condition === "number" ? acceptedCount >= condition : condition(accepted);
      return new Promise((resolve, reject) => {
        const settle = (finish: () => void): void => {
          clearTimeout(timer);
          checks.delete(check);
          finish();
        };
        const check = (): void => {
          if (holds()) settle(() => resolve(accepted));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error(tooLate(condition, deadlineMs, accepted, requests)))),
          deadlineMs,
        );
        checks.add(check);
        check();
      });
    },
    setBehaviour(behaviour) {
      choose = toChoice(behaviour);
    },
    stop: server.stop,
  };
}

function toChoice(behaviour: number | ReceiverBehaviour | ChooseBehaviour): ChooseBehaviour {
  return typeof behaviour === "function" ? behaviour : () => behaviour;
}

function toBehaviour(behaviour: number | ReceiverBehaviour): ReceiverBehaviour {
  if (typeof behaviour !== "number") return behaviour;
  return behaviour === 200 ? { kind: "accept" } : { kind: "status", status: behaviour };
}

function readRequest(raw: RawRequest, countOnly: boolean): ReceivedRequest {
  const contentType = raw.header("content-type") ?? "";
  const encoding = raw.header("content-encoding") ?? "";
  const body = encoding === "gzip" ? gunzipSync(new Uint8Array(raw.body)) : raw.body;
  const json = contentType.startsWith("application/json");
  if (!json && contentType !== "application/x-protobuf") {
    throw new Error(`unknown content type: ${contentType}`);
  }
  const decode = (): ReceivedSpan[] =>
    json ? readJsonSpans(Buffer.from(body).toString()) : readProtobufSpans(body);
  const spans = countOnly ? [] : decode();
  return {
    path: raw.path,
    headers: raw.headers(),
    contentType,
    encoding,
    bytes: countOnly ? new Uint8Array(0) : Uint8Array.from(body),
    at: performance.timeOrigin + performance.now(),
    spans,
    spanCount: countOnly ? countProtobufSpans(body) : spans.length,
    acceptedCount: 0,
  };
}

function tooLate(
  condition: number | ((spans: readonly ReceivedSpan[]) => boolean),
  deadlineMs: number,
  accepted: readonly ReceivedSpan[],
  requests: readonly ReceivedRequest[],
): string {
  const wanted = typeof condition === "number" ? `${condition} spans` : "the spans waited for";
  const last = accepted.slice(-8).map((span) => span.name);
  return (
    `no ${wanted} within ${deadlineMs} ms: ${accepted.length} accepted in ${requests.length} requests, ` +
    `last ${JSON.stringify(last)}`
  );
}
