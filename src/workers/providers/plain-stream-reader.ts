// The reader for streams whose events we do not know (/v1/responses, audio and the like): all of it
// passes, nothing is recorded. Worker thread.

import { readFrame } from "../../apischema/sse-frames.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Ends at `data: [DONE]` where there is one; such a stream may also just close, so it is always complete. */
export function createPlainStreamReader(): StreamReader {
  return {
    read(frame) {
      const terminal = frame.includes("[DONE]") && readFrame(frame).data === "[DONE]";
      return { forward: frame, terminal, content: false };
    },
    readAlike: () => undefined,
    facts: () => ({ finishReasons: [] }),
    complete: () => true,
  };
}
