// From a request to a task: authentication, validation and routing, each under its span. Everything that is
// refused is refused here, before any work is given to a worker.

import { readAnthropicRequest, readOpenAIRequest } from "../apischema/request-facts.ts";
import { spliceJson } from "../apischema/json-splice.ts";
import type { RequestFacts } from "../apischema/request-facts.ts";
import type { Config, ProviderConfig } from "../config/schema.ts";
import { GatewayError } from "../errors/gateway-error.ts";
import type { CallTask } from "../protocol/call-task.ts";
import { formatTraceparent } from "../tracing/recorder/propagation.ts";
import { attr } from "../tracing/recorder/semconv.ts";
import { SpanKind } from "../tracing/recorder/span-encoding.ts";
import { keyHeaderOf } from "./authenticate.ts";
import type { Authenticator } from "./authenticate.ts";
import { callerHeaders } from "./caller-headers.ts";
import { assertForwardedType, assertJsonType } from "./json-type.ts";
import { assertOwnPage } from "./origin-check.ts";
import { parseJsonBody, readBody } from "./request-body.ts";
import { selectGuardrails } from "./select-guardrails.ts";
import { resolveForward, resolveModel } from "./resolve-model.ts";
import type { Resolved } from "./resolve-model.ts";
import type { ServerCall } from "./server-call.ts";

export interface IntakeDeps {
  readonly config: Config;
  readonly authenticator: Authenticator;
}

interface Parsed {
  readonly text: string;
  readonly bytes: Uint8Array | undefined;
  readonly facts: RequestFacts | undefined;
  readonly model: string | undefined;
  /** The body field `guardrails`, undefined when there is none. */
  readonly guardrails?: unknown;
}

/** A body must come within this, and its size at a modest pace. */
const bodyGraceMs = 30_000;

/**
 * The `auth` span says why a call is refused; the message does not.
 *
 * @throws GatewayError `unauthorized`, or `forbidden` for a page of elsewhere
 */
export function authenticate(call: ServerCall, request: Request, deps: IntakeDeps): void {
  const span = call.spans.start({ name: "auth", kind: SpanKind.internal }, call.root);
  try {
    assertOwnPage(request.headers, deps.config.server);
  } catch (error) {
    span.attributes[attr.authOutcome] = "foreign_page";
    call.spans.fail(span, "forbidden");
    call.spans.end(span);
    throw error;
  }
  const result = deps.authenticator.check(request.headers);
  if (result.ok) {
    span.attributes[attr.authOutcome] = result.keyName === "" ? "open" : "accepted";
    call.keyName = result.keyName;
    if (result.keyName !== "") span.attributes[attr.keyName] = result.keyName;
    call.spans.end(span);
    return;
  }
  span.attributes[attr.authOutcome] = result.reason;
  call.spans.fail(span, "unauthorized");
  call.spans.end(span);
  throw new GatewayError(
    "unauthorized",
    result.reason === "missing_key"
      ? "no key was sent: use `Authorization: Bearer KEY` or `x-api-key: KEY`"
      : "the key is not known here",
  );
}

/**
 * Reads, validates and routes, under `pre_call`.
 *
 * @throws GatewayError `invalid_request`, `payload_too_large`, `model_not_found` and their like
 */
export async function prepareTask(
  call: ServerCall,
  { request, search }: { readonly request: Request; readonly search: string },
  deps: IntakeDeps,
): Promise<CallTask> {
  const span = call.spans.start({ name: "pre_call", kind: SpanKind.internal }, call.root);
  try {
    const parsed = await parseRequest(call, request, deps.config);
    if (parsed.model !== undefined) call.model = parsed.model;
    const { route } = call;
    // Tokens are counted where the messages would go. A body that names no model is the provider's to judge.
    const asMessages = route.name === "count_tokens" && parsed.model !== undefined;
    const resolved =
      route.generates || asMessages
        ? resolveModel(deps.config, route.api, parsed.model ?? "")
        : resolveForward(deps.config, route.api, parsed.model);
    span.attributes[attr.provider] = resolved.provider.name;
    if (parsed.facts?.user !== undefined) {
      call.common[attr.userId] = parsed.facts.user.slice(0, 256);
    }
    return toTask(call, { request, search, parsed, resolved, config: deps.config });
  } catch (error) {
    call.spans.fail(span, error instanceof GatewayError ? error.code : "internal");
    throw error;
  } finally {
    call.spans.end(span);
  }
}

async function parseRequest(call: ServerCall, request: Request, config: Config): Promise<Parsed> {
  const { route } = call;
  if (request.method === "GET" || request.method === "HEAD") {
    return { text: "", bytes: undefined, facts: undefined, model: undefined };
  }
  const { maxBodyBytes: bytesMax, keys } = config.server;
  if (route.name !== "forward") {
    assertJsonType(request.headers, { strict: keys.length === 0 });
  }
  const body = await readBody(request, { bytesMax, graceMs: bodyGraceMs });
  if (route.name === "forward") {
    if (keys.length === 0 && body.length > 0) assertForwardedType(request.headers);
    return parseForwarded(request, body);
  }
  const { text, value } = parseJsonBody(body);
  const guardrails = (value as { guardrails?: unknown } | null)?.guardrails;
  if (!route.generates) {
    const sent = guardrails === undefined ? text : spliceJson(text, withoutGuardrails);
    return { text: sent, bytes: undefined, facts: undefined, model: modelOf(value), guardrails };
  }
  const read = route.api === "openai" ? readOpenAIRequest(value) : readAnthropicRequest(value);
  if (!read.ok) throw new GatewayError("invalid_request", read.message);
  return { text, bytes: undefined, facts: read.facts, model: read.facts.model, guardrails };
}

/** For us alone: providers do not know it. */
const withoutGuardrails = [{ path: ["guardrails"], remove: true }] as const;

/** Whatever it is, it goes on as it came; only a JSON body's model may choose the provider. */
function parseForwarded(request: Request, body: Buffer): Parsed {
  const type = request.headers.get("content-type") ?? "";
  const asItCame = {
    text: "",
    bytes: body.length === 0 ? undefined : new Uint8Array(body),
    facts: undefined,
    model: undefined,
  };
  if (!type.includes("json")) return asItCame;
  try {
    const { text, value } = parseJsonBody(body);
    return { text, bytes: undefined, facts: undefined, model: modelOf(value) };
  } catch {
    return asItCame; // the provider judges what it was sent
  }
}

function modelOf(value: unknown): string | undefined {
  const model = (value as { model?: unknown } | null)?.model;
  return typeof model === "string" ? model : undefined;
}

/** Anthropic's base address has no version in it, OpenAI's has. */
export function upstreamPath({ api, baseUrl }: ProviderConfig, path: string): string {
  return api === "anthropic" && !baseUrl.endsWith("/v1") ? `/v1${path}` : path;
}

function toTask(
  call: ServerCall,
  from: {
    readonly request: Request;
    readonly search: string;
    readonly parsed: Parsed;
    readonly resolved: Resolved;
    readonly config: Config;
  },
): CallTask {
  const { request, parsed, resolved, config } = from;
  const context = call.spans.contextOf(call.root);
  const sessionId = call.common[attr.sessionId];
  const userId = call.common[attr.userId];
  const chosen = selectGuardrails(config, {
    route: call.route.name,
    header: request.headers.get("x-everyspan-guardrails"),
    field: parsed.guardrails,
  });
  return {
    call: call.id,
    route: call.route.name,
    method: request.method,
    path: upstreamPath(resolved.provider, call.route.path + from.search),
    provider: resolved.provider.name,
    headers: JSON.stringify(callerHeaders(request.headers, config)),
    keyName: call.keyName,
    keyHeader: keyHeaderOf(request.headers),
    body: parsed.text,
    bytes: parsed.bytes,
    facts: parsed.facts === undefined ? "" : JSON.stringify(parsed.facts),
    providerModel: resolved.providerModel,
    guardrails: chosen.length === 0 ? "" : JSON.stringify(chosen),
    traceparent: formatTraceparent(context),
    tracestate: context.traceState,
    anchorMs: call.startedMs,
    sessionId: typeof sessionId === "string" ? sessionId : "",
    userId: typeof userId === "string" ? userId : "",
    attributes: "",
    spanIds: "",
    isPaced: false,
  };
}
