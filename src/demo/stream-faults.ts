// Demo and tests: what a script does to a reply's bytes before they are sent: other line ends, comments,
// unknown events, garbage, a missing end, compression, splits inside characters. Pure.

import { gzipSync } from "bun";
import type { Script } from "./provider-script.ts";

export interface ReplyBytes {
  /** In the pieces they are sent in. */
  readonly pieces: readonly (string | Uint8Array)[];
  readonly encoding: "gzip" | undefined;
}

/**
 * The events of a stream after the script's faults. `errorEvent` is the API's own error in a stream.
 * An error takes the place of all after it, the end included.
 */
export function scriptedEvents(
  events: readonly string[],
  script: Script,
  errorEvent: () => string,
): string[] {
  let scripted = [...events];
  if (script.omitDone === true) scripted.pop();
  if (script.errorAfterChunks !== undefined) {
    // One event opens either API's stream before content comes.
    scripted = [...scripted.slice(0, 1 + script.errorAfterChunks), errorEvent()];
  }
  if (script.garbage === true) scripted.splice(scripted.length >> 1, 0, "data: {not json\n\n");
  if (script.unknownEvents === true) scripted = scripted.flatMap(withUnknownEvent);
  if (script.comments === true) scripted = scripted.map((event, at) => `: comment ${at}\n${event}`);
  if (script.crlf === true) scripted = scripted.map((event) => event.replaceAll("\n", "\r\n"));
  return scripted;
}

/** The body in the pieces it is sent in, compressed and split as the script says. */
export function replyBytes(pieces: readonly string[], script: Script): ReplyBytes {
  const encoding = script.gzip === true ? "gzip" : undefined;
  if (encoding === undefined && script.splitBytes === undefined) return { pieces, encoding };
  const whole = Buffer.from(pieces.join(""));
  const bytes = encoding === "gzip" ? gzipSync(whole) : whole;
  const size = Math.max(1, script.splitBytes ?? bytes.length);
  const split: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) split.push(bytes.subarray(at, at + size));
  return { pieces: split, encoding };
}

function withUnknownEvent(event: string, at: number): string[] {
  const unknown = `event: x_unknown\ndata: {"type":"x_unknown","at":${at},"big":12345678901234567890}\n\n`;
  return at === 1 ? [unknown, event] : [event];
}
