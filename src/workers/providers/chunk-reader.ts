// Reads a provider's stream by the chunk: frames that are like an earlier one all at once, every other one by
// itself. Worker thread; one per stream. What it lets pass is what reading each frame by itself would let pass,
// wherever the chunks were cut.

import { createFrameSplitter } from "../../apischema/sse-frames.ts";
import type { FrameReading, StreamReader } from "./stream-reader.ts";

export interface ChunkReader {
  /**
   * Reads more of the stream, a binary string. After a reading with `last` nothing more is to be read.
   *
   * @throws GatewayError `provider_invalid` when an event is too long
   */
  readonly read: (text: string) => ChunkReading;
  /** Reads what no blank line has ended, when the stream has: undefined when nothing is left. */
  readonly readRest: () => FrameReading | undefined;
}

export interface ChunkReading {
  /** What the client gets of it, but for `last`. */
  readonly forward: string;
  /** What the client gets of the frame that ends the stream; undefined while it goes on. */
  readonly last: string | undefined;
  /** As in {@link FrameReading}: of any frame. */
  readonly content: boolean;
  readonly error: string | undefined;
}

export function createChunkReader(reader: StreamReader, frameCharsMax: number): ChunkReader {
  const splitter = createFrameSplitter({ frameCharsMax });

  return {
    read(text) {
      // A lone CR ends a line as well, which only the splitter knows how to deal with.
      const canBeAlike = text.length <= frameCharsMax && !text.includes("\r");
      let forward = "";
      let content = false;
      let error: string | undefined;
      let at = 0;
      while (at < text.length) {
        const alike =
          canBeAlike && splitter.isBetweenFrames() ? reader.readAlike(text, at) : undefined;
        if (alike !== undefined) {
          forward += alike.forward;
          content = true;
          at = alike.end;
          continue;
        }
        // As far as the splitter will surely have come to the end of a frame. Anywhere would do.
        const blank = text.indexOf("\n\n", at);
        const end = blank === -1 ? text.length : blank + 2;
        for (const frame of splitter.push(text.slice(at, end))) {
          const reading = reader.read(frame);
          content ||= reading.content;
          error ??= reading.error;
          if (reading.terminal) return { forward, last: reading.forward, content, error };
          forward += reading.forward;
        }
        at = end;
      }
      return { forward, last: undefined, content, error };
    },
    readRest() {
      const rest = splitter.rest();
      return rest === "" ? undefined : reader.read(rest);
    },
  };
}
