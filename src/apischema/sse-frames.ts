// Splits a server-sent event stream into its raw frames and reads one frame. Pure, runs on any thread,
// once per frame of every stream. The frames must concatenate to exactly what came in, whatever the line
// ends and wherever the text was cut (WHATWG HTML, 9.2.6 "Interpreting an event stream").

import { GatewayError } from "../errors/gateway-error.ts";

export interface FrameSplitter {
  /**
   * The frames that `text` completes, each with the blank line that ends it. Cut anywhere, a stream
   * gives the same frames; so after a lone CR the frame waits for the next character, for LF belongs
   * to it. A blank line with nothing before it is a frame of its own.
   *
   * @throws GatewayError `provider_invalid` when a frame is longer than the limit.
   */
  push(text: string): string[];
  /** What no blank line has ended yet: at the end of a stream its last frame, or "". */
  rest(): string;
  /** Whether the next character begins a frame, for certain: after a CR that is not known. */
  isBetweenFrames(): boolean;
}

export interface Frame {
  /** The last `event` field; "" when there is none. */
  readonly event: string;
  /** The `data` lines joined by LF; undefined when there is none. */
  readonly data: string | undefined;
}

/** Keeps one frame at most: `frameCharsMax` characters. Linear, even when fed one character at a time. */
export function createFrameSplitter(options: { readonly frameCharsMax: number }): FrameSplitter {
  const { frameCharsMax } = options;
  // Only ever appended to and handed out: to look into it would flatten it again with every push.
  let held = "";
  let atLineStart = true;
  let afterCr = false;
  // The blank line ended in CR, and whether LF follows is not known yet.
  let endsAfterCr = false;

  function take(text: string, frames: string[], start: number, end: number): number {
    const frame = held === "" ? text.slice(start, end) : held + text.slice(start, end);
    if (frame.length > frameCharsMax) throw tooLong(frameCharsMax);
    frames.push(frame);
    held = "";
    return end;
  }

  function splitAtLf(text: string, frames: string[]): number {
    let start = 0;
    let lineStart = atLineStart ? 0 : -1;
    let lf = text.indexOf("\n");
    while (lf !== -1) {
      if (lf === lineStart) start = take(text, frames, start, lf + 1);
      lineStart = lf + 1;
      lf = text.indexOf("\n", lineStart);
    }
    atLineStart = lineStart === text.length;
    return start;
  }

  function splitAtAny(text: string, frames: string[]): number {
    let start = 0;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (afterCr) {
        afterCr = false;
        if (endsAfterCr) start = take(text, frames, start, code === 10 ? at + 1 : at);
        endsAfterCr = false;
        if (code === 10) continue;
      }
      if (code !== 10 && code !== 13) {
        atLineStart = false;
        continue;
      }
      const isBlank = atLineStart;
      atLineStart = true;
      if (code === 13) {
        afterCr = true;
        endsAfterCr = isBlank;
      } else if (isBlank) start = take(text, frames, start, at + 1);
    }
    return start;
  }

  return {
    push(text) {
      const frames: string[] = [];
      if (text === "") return frames;
      const hasCr = afterCr || text.includes("\r");
      const start = hasCr ? splitAtAny(text, frames) : splitAtLf(text, frames);
      held += start === 0 ? text : text.slice(start);
      if (held.length > frameCharsMax) throw tooLong(frameCharsMax);
      return frames;
    },
    rest: () => held,
    isBetweenFrames: () => held === "" && atLineStart && !afterCr,
  };
}

/** Reads the fields `event` and `data`; comments, `id`, `retry` and unknown fields are passed over. */
export function readFrame(raw: string): Frame {
  const dataOnly = singleData(raw);
  if (dataOnly !== undefined) return { event: "", data: dataOnly };
  const text = raw.charCodeAt(0) === 0xfeff ? raw.slice(1) : raw;
  const lines = text.includes("\r") ? text.split(/\r\n|\n|\r/) : text.split("\n");
  let event = "";
  let data: string | undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    if (field !== "data" && field !== "event") continue;
    const value =
      colon === -1 ? "" : line.slice(colon + (line.charCodeAt(colon + 1) === 32 ? 2 : 1));
    if (field === "event") event = value;
    else data = data === undefined ? value : `${data}\n${value}`;
  }
  return { event, data };
}

/** The data of the usual frame, one `data: ` line and a blank one; undefined when it is anything else. */
function singleData(raw: string): string | undefined {
  const end = raw.length - 2;
  if (!raw.startsWith("data: ") || raw.indexOf("\n") !== end || raw.includes("\r"))
    return undefined;
  return raw.charCodeAt(end + 1) === 10 ? raw.slice(6, end) : undefined;
}

function tooLong(frameCharsMax: number): GatewayError {
  const message = `The provider sent an event of more than ${frameCharsMax} characters.`;
  return new GatewayError("provider_invalid", message);
}
