// The HTTP surface: Elysia, and nothing but paths, methods and whom they are handed to. The only home of
// elysia. Bodies are never parsed here, so that they reach the provider as they came.

import { Elysia } from "elysia";

import { GatewayError, toWireError } from "../errors/gateway-error.ts";
import type { CallDeps } from "./call-deps.ts";
import { handleCall, traceOf } from "./handle-call.ts";
import { errorResponse } from "./error-response.ts";
import { assertOwnPage } from "./origin-check.ts";
import type { RequestHost } from "./request-host.ts";
import { createTargetReader } from "./request-target.ts";
import { matchRoute } from "./routes.ts";

export interface AppDeps extends CallDeps {
  readonly readiness: () => Response;
  readonly metrics: () => Promise<Response>;
}

const ownPaths: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

export function createApp(deps: AppDeps): Elysia {
  const readTarget = createTargetReader();

  function serve(request: Request, host: RequestHost | null): Promise<Response> | Response {
    const target = readTarget(request.url);
    if (target === undefined) {
      const error = new GatewayError("invalid_request", "the Host header does not name a host");
      return unrouted(request, error, deps);
    }
    const route = matchRoute(target.pathname, request.headers.has("anthropic-version"));
    return route === undefined
      ? unrouted(request, strayError(target.pathname), deps)
      : handleCall(request, { route, target, host }, deps);
  }

  /** Nor are figures and health for pages of elsewhere, whose names may have been made to point here. */
  function own<T>(answer: () => T): (context: { readonly request: Request }) => T | Response {
    return ({ request }) => {
      try {
        assertOwnPage(request.headers, deps.config.server);
      } catch (error) {
        return unrouted(request, toWireErrorResponse(error), deps);
      }
      return answer();
    };
  }

  return new Elysia({ aot: true, precompile: true, normalize: false })
    .onError(({ error, request }) => {
      deps.openCalls.bug(error);
      return unrouted(request, toWireErrorResponse(error), deps);
    })
    .get(
      "/healthz",
      own(() => new Response("ok\n")),
    )
    .get("/readyz", own(deps.readiness))
    .get("/metrics", own(deps.metrics))
    .all("/*", ({ request, server }) => serve(request, server as RequestHost | null), {
      parse: "none",
    }) as unknown as Elysia;
}

function strayError(pathname: string): GatewayError {
  return ownPaths.has(pathname)
    ? new GatewayError("method_not_allowed", "use GET here")
    : new GatewayError(
        "not_found",
        "there is nothing at this path, or nothing that it can be forwarded as",
      );
}

function toWireErrorResponse(error: unknown): GatewayError {
  const { code, message } = toWireError(error);
  return new GatewayError(code, message);
}

/** A path that is none of ours: answered in the shape the client seems to speak, and not traced. */
function unrouted(request: Request, error: GatewayError, deps: AppDeps): Response {
  const trace = traceOf(request.headers, deps);
  const api = request.headers.has("anthropic-version") ? "anthropic" : "openai";
  return errorResponse(error, { api, traceId: trace.traceId, methods: ["GET", "HEAD"] });
}
