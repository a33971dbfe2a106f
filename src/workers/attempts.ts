// The attempts of one call at its provider: each with a span of its own, again only before the first byte
// of a reply, never past the budget. Runs on a worker thread.

import { readBounded } from "../apischema/bounded-body.ts";
import { isOutOfCredit } from "../apischema/out-of-credit.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { ErrorCode } from "../errors/gateway-error.ts";
import type { RefusedAttempt } from "../protocol/call-task.ts";
import type { CallSpans, Span } from "../tracing/recorder/call-spans.ts";
import type { Clock } from "../tracing/recorder/clock.ts";
import { formatTraceparent } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import type { Deadlines } from "./deadlines.ts";
import { backoffMs, isRetryableStatus, retryAfterMs } from "./retry.ts";
import type { Upstream } from "./upstream.ts";
import { upstreamHeaders } from "./upstream-headers.ts";
import type { HeaderRecord } from "./upstream-headers.ts";

export interface UpstreamRequest {
  /** Below the provider's base address, with the query. */
  readonly path: string;
  readonly method: string;
  readonly headers: HeaderRecord;
  readonly keyHeader: "authorization" | "x-api-key" | "";
  readonly body: string | Uint8Array | undefined;
  /** Whether making it twice is harmless. A generation is; an upload to an unknown path may not be. */
  readonly repeatable: boolean;
}

/** A provider's answer whose body is still to be read. */
export interface Attempt {
  readonly response: Response;
  readonly span: Span;
  /** Starts the idle timer anew: the body must go on within the time given, or it is aborted. */
  readonly expectMore: (withinMs: number) => void;
  /** Stops the timer; to be called when the body has been read or given up. */
  readonly settle: () => void;
  /** Closes the connection at once. */
  readonly abort: () => void;
  /** Why the body broke off, when it was us: a cancel or a timeout. */
  readonly abortedBy: () => ErrorCode | undefined;
}

/** A call's way to be ended from outside; `onCancel` is called at once if it already has been. */
export interface Cancellation {
  readonly code: () => ErrorCode | undefined;
  readonly onCancel: (listener: (code: ErrorCode) => void) => void;
}

export interface AttemptsDeps {
  readonly provider: Upstream;
  readonly spans: CallSpans;
  readonly startSpan: (name: string, kind: SpanKind) => Span;
  readonly clock: Clock;
  readonly elapsed: Clock;
  readonly deadlines: Deadlines;
  readonly random: () => number;
  readonly fetch: typeof fetch;
  readonly cancellation: Cancellation;
  /** Where somebody else says when to try again: they are told of the refusal and waited for. */
  readonly waitTurn?: ((refused: RefusedAttempt) => Promise<void>) | undefined;
}

/** An error is no longer, and as a rule there with its head. */
const errorBytesMax = 64 * 1024;
const errorWithinMs = 1000;
/** A call that waits for its turn outlasts many refusals: they are the limit's doing, not its own. */
const pacedResendsMax = 200;

/**
 * Sends the request until there is an answer worth passing on: any that is not retryable, or the last one.
 *
 * @throws GatewayError `provider_unreachable`, `provider_timeout`, or the code of the cancellation
 */
export async function sendWithRetries(
  request: UpstreamRequest,
  deps: AttemptsDeps,
): Promise<Attempt> {
  const giveUpAtMs = deps.elapsed() + deps.provider.retryBudgetMs;
  let isFresh = false;
  for (let resends = 0; ; resends++) {
    const outcome = await attemptOnce(request, { resends, isFresh }, deps);
    const delayMs = retryDelayMs(outcome, request, { resends, giveUpAtMs }, deps);
    if (delayMs === undefined || (await isHopeless(outcome))) {
      if ("response" in outcome) return outcome;
      throw outcome;
    }
    // A provider may close the connections that it keeps just as they are used: each that is left may break.
    isFresh = !("response" in outcome);
    if ("response" in outcome) await discard(outcome, deps.spans);
    if (deps.waitTurn === undefined) await sleep(delayMs, deps.cancellation);
    else await deps.waitTurn({ ...refusalOf(outcome, deps.clock()), delayMs });
  }
}

/** A rate limit passes; an account that has nothing left says so under the same status. */
async function isHopeless(outcome: Attempt | GatewayError): Promise<boolean> {
  if (!("response" in outcome) || outcome.response.status !== 429) return false;
  outcome.expectMore(errorWithinMs);
  try {
    const body = await readBounded(outcome.response.clone() as Response, errorBytesMax);
    return body !== undefined && isOutOfCredit(429, JSON.parse(body.toString("utf8")));
  } catch {
    return false; // broken off, too late, or no JSON: what a retry is for
  }
}

function refusalOf(
  outcome: Attempt | GatewayError,
  nowMs: number,
): Omit<RefusedAttempt, "delayMs"> {
  const isTold =
    "response" in outcome && retryAfterMs(outcome.response.headers, nowMs) !== undefined;
  return { status: statusOf(outcome), isTold };
}

function statusOf(outcome: Attempt | GatewayError): number {
  return "response" in outcome ? outcome.response.status : 0;
}

/** One attempt and its span: an answer, or the error that it ended with. */
async function attemptOnce(
  request: UpstreamRequest,
  { resends, isFresh }: { readonly resends: number; readonly isFresh: boolean },
  deps: AttemptsDeps,
): Promise<Attempt | GatewayError> {
  const { provider, spans, cancellation, deadlines } = deps;
  const cancelled = cancellation.code();
  if (cancelled !== undefined) return new GatewayError(cancelled, "the call was cancelled");
  const span = deps.startSpan(request.method, SpanKind.client);
  setRequestAttributes(span, request, { provider, resends });
  const controller = new AbortController();
  let abortedBy: ErrorCode | undefined;
  function abort(code: ErrorCode): void {
    abortedBy ??= code;
    controller.abort();
  }
  cancellation.onCancel(abort);
  const silence = deadlines.set(provider.timeoutMs, () => abort("provider_timeout"));
  try {
    const context = spans.contextOf(span);
    const response = await deps.fetch(provider.baseUrl + request.path, {
      method: request.method,
      headers: upstreamHeaders({
        caller: request.headers,
        keyHeader: request.keyHeader,
        provider,
        traceparent: formatTraceparent(context),
        tracestate: context.traceState,
      }),
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: controller.signal,
      // A redirect would carry the key to an address that nobody configured.
      redirect: "manual",
      timeout: false,
      ...(isFresh && { keepalive: false }),
    } as RequestInit);
    span.attributes[attr.httpResponseStatusCode] = response.status;
    if (response.status >= 400) spans.fail(span, String(response.status));
    return {
      response,
      span,
      expectMore: (withinMs) => deadlines.move(silence, withinMs),
      settle: () => deadlines.clear(silence),
      abort: () => abort("client_disconnected"),
      abortedBy: () => abortedBy,
    };
  } catch (error) {
    deadlines.clear(silence);
    return failedAttempt(error, { span, abortedBy, deps });
  }
}

function failedAttempt(
  error: unknown,
  { span, abortedBy, deps }: { span: Span; abortedBy: ErrorCode | undefined; deps: AttemptsDeps },
): GatewayError {
  const { spans, provider } = deps;
  if (abortedBy === "client_disconnected") {
    // Cancelled on purpose: no error (semantic conventions for HTTP spans).
    span.attributes[attr.clientDisconnected] = true;
    spans.end(span);
    return new GatewayError(abortedBy, "the client has left", { cause: error });
  }
  if (abortedBy !== undefined) {
    spans.fail(span, abortedBy === "provider_timeout" ? "timeout" : abortedBy);
    spans.end(span);
    const message =
      abortedBy === "provider_timeout"
        ? `provider ${provider.name} did not answer within ${provider.timeoutMs} ms`
        : "the call was cancelled";
    return new GatewayError(abortedBy, message, { cause: error });
  }
  const reason = connectionErrorCode(error);
  spans.fail(span, reason);
  spans.end(span);
  return new GatewayError(
    "provider_unreachable",
    `provider ${provider.name} could not be reached (${reason})`,
    { cause: error },
  );
}

/** Bun's fetch errors carry the system's code; it is low in cardinality and says what went wrong. */
export function connectionErrorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === "string" && code !== "") return code;
  return error instanceof Error ? error.name : "_OTHER";
}

function retryDelayMs(
  outcome: Attempt | GatewayError,
  request: UpstreamRequest,
  { resends, giveUpAtMs }: { resends: number; giveUpAtMs: number },
  { provider, clock, elapsed, random, cancellation, waitTurn }: AttemptsDeps,
): number | undefined {
  const isPaced = waitTurn !== undefined && [429, 529].includes(statusOf(outcome));
  const resendsMax = isPaced ? pacedResendsMax : provider.retries;
  if (resends >= resendsMax || cancellation.code() !== undefined) return undefined;
  let delayMs: number;
  if ("response" in outcome) {
    const { status, headers } = outcome.response;
    if (!isRetryableStatus(status) || headers.get("x-should-retry") === "false") return undefined;
    if (!request.repeatable && status !== 429) return undefined;
    delayMs = retryAfterMs(headers, clock()) ?? backoffMs(resends, random);
  } else {
    if (outcome.code !== "provider_unreachable") return undefined;
    const reason = connectionErrorCode(outcome.cause);
    if (!request.repeatable && reason !== "ConnectionRefused" && reason !== "ECONNREFUSED") {
      return undefined;
    }
    delayMs = backoffMs(resends, random);
  }
  return elapsed() + delayMs > giveUpAtMs ? undefined : delayMs;
}

/** Reads nothing more of an answer that is not passed on, so that its socket is not left parked. */
async function discard(attempt: Attempt, spans: CallSpans): Promise<void> {
  attempt.settle();
  spans.end(attempt.span);
  try {
    await attempt.response.body?.cancel();
  } catch {
    attempt.abort(); // the body is already broken, and so is its connection
  }
}

function setRequestAttributes(
  span: Span,
  request: UpstreamRequest,
  { provider, resends }: { readonly provider: Upstream; readonly resends: number },
): void {
  span.attributes[attr.httpRequestMethod] = request.method;
  span.attributes[attr.urlFull] = withoutSecrets(provider.baseUrl + request.path);
  span.attributes[attr.serverAddress] = provider.hostname;
  span.attributes[attr.serverPort] = provider.port;
  if (resends > 0) span.attributes[attr.httpRequestResendCount] = resends;
}

/** No query, which may hold a key, and no credentials (HTTP conventions, `url.full`). */
function withoutSecrets(url: string): string {
  const address = url.split("?", 1)[0] ?? "";
  return address.replace(/^(https?:\/\/)[^/@]*@/, "$1REDACTED:REDACTED@");
}

/** Waits, or less if the call is cancelled meanwhile: the next attempt sees that first thing. */
function sleep(delayMs: number, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    cancellation.onCancel(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
