// Takes out of a stream what `stream_options.include_usage`, spliced in by everyspan, put there: the
// usage chunk, and `"usage":null` in all others. Worker thread. Nothing else may change by a byte.

import { skipSpace } from "../../../apischema/json-scan.ts";
import { spliceJson } from "../../../apischema/json-splice.ts";
import { asArray, asObject, parseObject, type JsonObject } from "../json-probe.ts";

/**
 * What the client gets of `frame`, whose data is `data` (`json` if parsed already): "" for a chunk that
 * is there for its usage alone. Azure's first chunk has no choices either, but filter results: it stays.
 * llama.cpp's `timings` go with the usage chunk they are in.
 */
export function hideUsage(frame: string, data: string, json: JsonObject | undefined): string {
  const quick = withoutNullUsage(frame);
  if (quick !== undefined) return quick;
  const chunk = json ?? parseObject(data);
  if (chunk === undefined || !Object.hasOwn(chunk, "usage")) return frame;
  const hasUsage = asObject(chunk["usage"]) !== undefined;
  // Usage beside choices is a server's own habit, not what was asked for on the caller's behalf.
  if (hasUsage && asArray(chunk["choices"]).length > 0) return frame;
  if (hasUsage && !Object.hasOwn(chunk, "prompt_filter_results")) return "";
  return withData(frame, data, spliceJson(data, [{ path: ["usage"], remove: true }]));
}

/**
 * The common case without a parse: `"usage":null` stands once, and from there to the end of the frame one
 * object closes, so that it was the outermost. After a comma a bare quote can only begin a string, for if
 * it ended one, a bare word would follow; so what matches is a key.
 */
function withoutNullUsage(frame: string): string | undefined {
  const key = frame.indexOf('"usage"');
  if (frame.indexOf('"usage"', key + 7) !== -1) return undefined;
  const colon = skipSpace(frame, key + 7);
  const value = skipSpace(frame, colon + 1);
  if (frame.charCodeAt(colon) !== 58 || !frame.startsWith("null", value)) return undefined;
  const start = frame.charCodeAt(key - 1) === 32 ? key - 2 : key - 1;
  const end = value + 4;
  if (frame.charCodeAt(start) !== 44 || !tail.test(frame.slice(end))) return undefined;
  return frame.slice(0, start) + frame.slice(end);
}

/** Properties with scalar values, one closing brace, line ends. Anything deeper is left to a parse. */
const tail = /^(?:,\s*"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[\w.+-]+))*\s*\}\s*$/;

function withData(frame: string, data: string, edited: string): string {
  const at = frame.indexOf(data);
  if (at !== -1) return frame.slice(0, at) + edited + frame.slice(at + data.length);
  // The data stood on several lines: say it again, and the event's name with it.
  const event = /^event:.*$/m.exec(frame)?.[0];
  const lines = `data: ${edited.replaceAll("\n", "\ndata: ")}\n\n`;
  return event === undefined ? lines : `${event}\n${lines}`;
}
