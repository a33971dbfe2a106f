// Demo, tests and bench: what the scripted provider can be told to do with one request, and where it is told.
// Plain data: a script may come as a header, inside the request body, or from code.

import type { CallUsage } from "./provider-usage.ts";

/** How one reply is given. Nothing set: an ordinary good reply. Durations in ms, sizes in bytes. */
export interface Script {
  /** Default 200. From 400 on, the body is an error of the route's API unless `body` is set. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, in place of the reply's own body; a stream's content type stays only if set in headers. */
  readonly body?: string;
  /** What the model says. */
  readonly text?: string;
  readonly usage?: Partial<CallUsage>;
  /** Number of content parts of a stream (default 5). */
  readonly chunks?: number;
  /** Wait before the status line. */
  readonly delayMs?: number;
  /** Wait between pieces; 0 gives the loop one turn between them. Absent: all in one write. */
  readonly chunkDelayMs?: number;
  /** The connection goes before any byte of the reply. */
  readonly cutBeforeHeaders?: boolean;
  /** The connection goes after this many pieces of the body (events of a stream, 16 bytes of a plain reply). */
  readonly cutAfterChunks?: number;
  /** `close` (default) sends FIN, after all before it was sent; `reset` drops the connection. */
  readonly cutBy?: "close" | "reset";
  /** Fails the first `times` requests of a key (default: equal bodies share one), then goes on. */
  readonly failFirst?: {
    readonly times: number;
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly key?: string;
  };
  readonly hang?: "before-headers" | "between-chunks" | "after-last";
  /** Sends the body in pieces of this many bytes, through events and UTF-8 characters alike. */
  readonly splitBytes?: number;
  /** Event streams with CRLF line ends. */
  readonly crlf?: boolean;
  /** A comment line before each event. */
  readonly comments?: boolean;
  /** Events of unknown names, and unknown fields, in between. */
  readonly unknownEvents?: boolean;
  readonly gzip?: boolean;
  /** Ends a stream in order, but without its terminal event (`[DONE]`, `message_stop`). */
  readonly omitDone?: boolean;
  /** Leaves the usage out, as some servers do. */
  readonly omitUsage?: boolean;
  /** An error event in place of the stream's rest, after this many content parts. */
  readonly errorAfterChunks?: number;
  /** An event whose data is no JSON, in the middle of the stream. */
  readonly garbage?: boolean;
  /** Declares this content-length whatever the body's size; not for streams. */
  readonly contentLength?: number;
}

/** A request as scripts and recordings see it. */
export interface ProviderRequest {
  readonly method: string;
  /** With query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text. */
  readonly body: string;
  /** The body as parsed, where it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

export const ordinary: Script = {};

/**
 * The script a request carries itself: the header `x-script` (JSON) or, since gateways drop headers they do
 * not know, the body field `x_script` (object). Undefined when there is none; throws on a header that is no JSON.
 */
export function carriedScript(
  header: string | undefined,
  json: ProviderRequest["json"],
): Script | undefined {
  const carried: unknown = header === undefined ? json?.["x_script"] : JSON.parse(header);
  // Whoever scripts the provider owns it: the shape is taken on trust.
  return typeof carried === "object" && carried !== null ? carried : undefined;
}

/** The script named by a model: `gpt-4o-mini!slow` is answered by `named.slow`. */
export function namedScript(
  model: string,
  named: Readonly<Record<string, Script>>,
): Script | undefined {
  const mark = model.lastIndexOf("!");
  return mark < 0 ? undefined : named[model.slice(mark + 1)];
}
