// Which paths are whose. Pure. Every path under /v1 works without the prefix too, as people's base URLs
// differ; `path` is always the form below the version, as a provider's base address wants it.

import type { RouteName } from "../protocol/call-task.ts";
import { isPlainPath } from "./forward-path.ts";

export type Api = "openai" | "anthropic";

export interface Route {
  readonly name: RouteName;
  /** Whose error shape answers, and whose provider serves it when no model says otherwise. */
  readonly api: Api;
  /** `http.route`: low in cardinality. */
  readonly template: string;
  /** Below `/v1`, with a leading slash: `/chat/completions`. */
  readonly path: string;
  /** Whether a call on it generates, and so has a `chat` span. */
  readonly generates: boolean;
  readonly methods: readonly string[];
}

/** Paths that exist without `/v1` in front: any other bare path is not ours. */
const bareRoots: ReadonlySet<string> = new Set([
  "chat",
  "messages",
  "models",
  "completions",
  "embeddings",
  "responses",
  "files",
  "audio",
  "images",
  "moderations",
  "batches",
  "fine_tuning",
  "vector_stores",
  "uploads",
  "rerank",
]);

/** What is forwarded as it is. TRACE and CONNECT would show or open what is behind; OPTIONS is a browser's. */
const forwardedMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;

const chatCompletions = ownRoute("chat_completions", "openai", "/chat/completions", true);
const messages = ownRoute("messages", "anthropic", "/messages", true);
const countTokens = ownRoute("count_tokens", "anthropic", "/messages/count_tokens", false);
const openaiModels = ownRoute("models", "openai", "/models", false);
const anthropicModels = ownRoute("models", "anthropic", "/models", false);

const ownPaths: ReadonlySet<string> = new Set(
  [chatCompletions, messages, countTokens].map(({ path }) => path),
);

/** The route of a path, or undefined where it is none of ours. `speaksAnthropic`: it sent the version header. */
export function matchRoute(pathname: string, speaksAnthropic: boolean): Route | undefined {
  const path = belowVersion(pathname);
  switch (path) {
    case undefined:
      return undefined;
    case chatCompletions.path:
      return chatCompletions;
    case messages.path:
      return messages;
    case countTokens.path:
      return countTokens;
    case openaiModels.path:
      return speaksAnthropic ? anthropicModels : openaiModels;
    default:
      if (!isPlainPath(path, ownPaths)) return undefined;
      return {
        name: "forward",
        api: speaksAnthropic || path.startsWith("/messages/") ? "anthropic" : "openai",
        template: "/v1/*",
        path,
        generates: false,
        methods: forwardedMethods,
      };
  }
}

function ownRoute(name: RouteName, api: Api, path: string, generates: boolean): Route {
  const methods = name === "models" ? ["GET", "HEAD"] : ["POST"];
  return { name, api, template: `/v1${path}`, path, generates, methods };
}

function belowVersion(pathname: string): string | undefined {
  // Some base URLs end in /v1 and some clients add it again.
  const path = pathname.replace(/^(?:\/v1)+(?=\/)/, "");
  if (path !== pathname) return path;
  const root = pathname.split("/", 2)[1] ?? "";
  return bareRoots.has(root) ? pathname : undefined;
}
