// Demo, tests and bench: which reply a request gets from the scripted provider, by its path. Pure.

import {
  anthropicCount,
  anthropicError,
  anthropicErrorEvent,
  anthropicMessage,
  anthropicModels,
  anthropicStream,
} from "./anthropic-replies.ts";
import {
  openaiCompletion,
  openaiEmbeddings,
  openaiError,
  openaiErrorEvent,
  openaiModels,
  openaiStream,
} from "./openai-replies.ts";
import { openaiResponse, openaiResponseStream } from "./openai-responses-replies.ts";
import type { ProviderRequest, Script } from "./provider-script.ts";
import { replyContent } from "./reply-content.ts";
import { scriptedEvents } from "./stream-faults.ts";

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** One text for a plain body, one per event for a stream. */
  readonly pieces: readonly string[];
  /** An event stream, sent in chunked framing. */
  readonly chunked: boolean;
}

/** The models `GET /v1/models` lists, per API. */
export const scriptedModels = {
  openai: ["gpt-4o-mini", "gpt-4o"],
  anthropic: ["claude-haiku-4-5", "claude-sonnet-4-5"],
} as const;

/** The answer to the nth call. Errors have the shape of the API the path (or `anthropic-version`) belongs to. */
export function providerAnswer(
  call: number,
  request: ProviderRequest,
  script: Script,
): ProviderAnswer {
  const route = routeOf(request);
  const anthropic = route.startsWith("anthropic");
  const status = script.status ?? 200;
  const headers = anthropic ? anthropicHeaders(call) : openaiHeaders(call);
  if (script.body !== undefined) return plain(status, headers, script.body);
  if (status >= 400) {
    return plain(status, headers, anthropic ? anthropicError(status, call) : openaiError(status));
  }
  const { json } = request;
  if (route === "openai models") return plain(status, headers, openaiModels(scriptedModels.openai));
  if (route === "anthropic models") {
    return plain(status, headers, anthropicModels(scriptedModels.anthropic));
  }
  if (route === "echo") return plain(status, headers, echoed(request));
  if (json === undefined) {
    return plain(400, headers, anthropic ? anthropicError(400, call) : openaiError(400));
  }
  const content = replyContent(call, json, script);
  const stream = json["stream"] === true;
  switch (route) {
    case "openai chat":
      return stream
        ? events(
            headers,
            scriptedEvents(openaiStream(content, json, script), script, openaiErrorEvent),
          )
        : plain(status, headers, openaiCompletion(content, script));
    case "openai responses":
      return stream
        ? events(headers, scriptedEvents(openaiResponseStream(content), script, openaiErrorEvent))
        : plain(status, headers, openaiResponse(content));
    case "openai embeddings":
      return plain(status, headers, openaiEmbeddings(content, json));
    case "anthropic count":
      return plain(status, headers, anthropicCount(content));
    case "anthropic messages":
      return stream
        ? events(
            headers,
            scriptedEvents(anthropicStream(content, script), script, anthropicErrorEvent),
          )
        : plain(status, headers, anthropicMessage(content, script));
  }
}

type Route =
  | "openai chat"
  | "openai responses"
  | "openai embeddings"
  | "openai models"
  | "anthropic messages"
  | "anthropic count"
  | "anthropic models"
  | "echo";

function routeOf(request: ProviderRequest): Route {
  const query = request.path.indexOf("?");
  const path = query < 0 ? request.path : request.path.slice(0, query);
  if (path.endsWith("/chat/completions")) return "openai chat";
  if (path.endsWith("/messages")) return "anthropic messages";
  if (path.endsWith("/messages/count_tokens")) return "anthropic count";
  if (path.endsWith("/responses")) return "openai responses";
  if (path.endsWith("/embeddings")) return "openai embeddings";
  if (!path.endsWith("/models")) return "echo";
  return request.headers["anthropic-version"] === undefined ? "openai models" : "anthropic models";
}

function plain(status: number, headers: Record<string, string>, body: string): ProviderAnswer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    pieces: [body],
    chunked: false,
  };
}

function events(headers: Record<string, string>, pieces: string[]): ProviderAnswer {
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      ...headers,
    },
    pieces,
    chunked: true,
  };
}

function openaiHeaders(call: number): Record<string, string> {
  return {
    "x-request-id": `req_${call}`,
    "openai-processing-ms": "7",
    "x-ratelimit-remaining-requests": "9999",
  };
}

function anthropicHeaders(call: number): Record<string, string> {
  return { "request-id": `req_${call}`, "anthropic-ratelimit-requests-remaining": "9999" };
}

function echoed(request: ProviderRequest): string {
  return JSON.stringify({ method: request.method, path: request.path, body: request.body });
}
