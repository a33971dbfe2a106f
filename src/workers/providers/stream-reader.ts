// The seam between a provider's stream and whoever forwards it. Worker thread. A reader is made for one
// stream and dies with it; it sees each raw frame once, in order, and never waits.

import type { AlikeFrames } from "./frame-template.ts";
import type { ReplyFacts } from "./reply-facts.ts";

export interface StreamReader {
  /** Reads one frame as apischema/sse-frames.ts split it off. Never throws on what a provider sends. */
  read(frame: string): FrameReading;
  /**
   * Reads at once all frames from `from` on that differ from one read before in nothing but their text: each of
   * them would be read as content that ends nothing. A frame begins at `from`, and there is no CR in `text`.
   */
  readAlike(text: string, from: number): AlikeFrames | undefined;
  /** What is known so far. After a stream that broke off, the finish reasons still missing are "error". */
  facts(): ReplyFacts;
  /** Whether the stream has come to its own end: not before it, and not by an error event. */
  complete(): boolean;
}

export interface FrameReading {
  /** What the client gets for this frame: the frame as it came, with a part cut out, or "" for nothing. */
  readonly forward: string;
  /** Whether this frame ends the stream: `[DONE]`, `message_stop`, or an error event. */
  readonly terminal: boolean;
  /** Whether it carries generated content (text, reasoning, tool calls), for the time to first token. */
  readonly content: boolean;
  /** Of a provider's error event: its code, else its type. */
  readonly error?: string;
}
