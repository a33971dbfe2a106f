// Recognises the chunks of an OpenAI-format stream that differ from an earlier one in nothing but their text,
// which is almost all of them: what holds of that one then holds of them, and nothing has to be searched for.
// Worker thread; one per stream. It must never take a frame for alike whose JSON could be of another shape.

export interface ChunkTemplate {
  /** What the client gets of a frame that is alike but for its text; undefined when it is not. */
  readonly match: (frame: string) => string | undefined;
  /** Takes a frame with text, without any fact, as the one to compare with. */
  readonly learn: (frame: string, forward: string) => void;
}

const textKey = '"content":"';

export function createChunkTemplate(): ChunkTemplate {
  let prefix = "";
  let suffix = "";
  let forwardSuffix = "";
  return {
    match(frame) {
      if (prefix === "" || !frame.startsWith(prefix) || !frame.endsWith(suffix)) return undefined;
      const end = frame.length - suffix.length;
      // The first quote after the text's own must be the one that ends it; after a backslash it would not.
      if (frame.indexOf('"', prefix.length) !== end || end === prefix.length) return undefined;
      if (frame.charCodeAt(end - 1) === 92) return undefined;
      return forwardSuffix === suffix ? frame : frame.slice(0, end) + forwardSuffix;
    },
    learn(frame, forward) {
      const key = frame.indexOf(textKey);
      if (key === -1) return;
      const start = key + textKey.length;
      const end = frame.indexOf('"', start);
      if (end <= start || frame.charCodeAt(end - 1) === 92) return;
      // Whatever is hidden from the client must be hidden behind the text.
      if (!forward.startsWith(frame.slice(0, end))) return;
      prefix = frame.slice(0, start);
      suffix = frame.slice(end);
      forwardSuffix = forward.slice(end);
    },
  };
}
