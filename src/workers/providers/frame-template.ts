// Recognises the frames of a stream that differ from an earlier one in nothing but their text, which is almost
// all of them: what holds of that one then holds of them, and nothing has to be searched for. Worker thread; one
// per stream. It must never take a frame for alike whose JSON could be of another shape.

export interface FrameTemplate {
  /**
   * The frames from `from` on that are alike but for their text; undefined when the first is not. A frame begins
   * at `from`, and there is no CR in `text`.
   */
  readonly match: (text: string, from: number) => AlikeFrames | undefined;
  /** Takes a frame with text, and without any fact, as the one to compare with. `forward`: what of it is shown. */
  readonly learn: (frame: string, forward: string) => void;
}

export interface AlikeFrames {
  /** Where the first frame begins that is not alike, or is not there yet. */
  readonly end: number;
  /** What the client gets of them. */
  readonly forward: string;
}

/** What makes frames of equal text equally long, so that their sizes tell nothing: OpenAI's own padding. */
const paddingKey = '"obfuscation":"';

/** What is hidden from the client, for usage was asked for on its behalf. */
interface Cut {
  readonly start: number;
  readonly chars: number;
}

/** `textKeys`: with the quotes of key and value, as in `"content":"`. The first of them that is there counts. */
export function createFrameTemplate(textKeys: readonly string[]): FrameTemplate {
  // A frame is `prefix`, text, `middle` and, where there is padding, padding and `suffix`.
  let prefix = "";
  let middle = "";
  let suffix = "";
  // What is hidden begins this far behind the text, or behind the padding.
  let cutChars = 0;
  let cutAfterText = -1;
  let cutAfterPadding = -1;

  function learn(frame: string, forward: string): void {
    const start = afterKey(frame, textKeys);
    const end = start === -1 ? -1 : stringEnd(frame, start);
    // One line for the data, and a blank one: nothing behind the text may be another line's.
    if (end <= start || !frame.endsWith("\n\n") || frame.includes("\r")) return;
    if (frame.indexOf("\n", start) !== frame.length - 2) return;
    const key = frame.indexOf(paddingKey, end);
    const padding = key === -1 ? frame.length : key + paddingKey.length;
    const paddingEnd = key === -1 ? padding : stringEnd(frame, padding);
    if (paddingEnd === -1) return;
    const cut = forward === frame ? undefined : cutOf(frame, forward);
    if (forward !== frame && (cut === undefined || cut.start < end)) return;
    prefix = frame.slice(0, start);
    middle = frame.slice(end, padding);
    suffix = frame.slice(paddingEnd);
    cutChars = cut?.chars ?? 0;
    const isBefore = cut !== undefined && cut.start + cut.chars <= padding;
    cutAfterText = cut !== undefined && isBefore ? cut.start - end : -1;
    cutAfterPadding = cut !== undefined && !isBefore ? cut.start - paddingEnd : -1;
  }

  function match(text: string, from: number): AlikeFrames | undefined {
    if (prefix === "") return undefined;
    let at = from;
    let copied = from;
    let forward = "";
    while (text.startsWith(prefix, at)) {
      const start = at + prefix.length;
      const textEnd = stringEnd(text, start);
      if (textEnd <= start || !text.startsWith(middle, textEnd)) break;
      const padding = textEnd + middle.length;
      const paddingEnd = suffix === "" ? padding : stringEnd(text, padding);
      if (paddingEnd === -1 || !text.startsWith(suffix, paddingEnd)) break;
      const end = paddingEnd + suffix.length;
      // A line end within the text would make two frames of it, or two lines.
      if (text.indexOf("\n", start) !== end - 2) break;
      if (cutChars > 0) {
        const cut = cutAfterText === -1 ? paddingEnd + cutAfterPadding : textEnd + cutAfterText;
        forward += text.slice(copied, cut);
        copied = cut + cutChars;
      }
      at = end;
    }
    return at === from ? undefined : { end: at, forward: forward + text.slice(copied, at) };
  }

  return { match, learn };
}

function afterKey(frame: string, keys: readonly string[]): number {
  for (const key of keys) {
    const at = frame.indexOf(key);
    if (at !== -1) return at + key.length;
  }
  return -1;
}

/** The index of the quote that ends the JSON string whose text begins at `start`; -1 when there is none. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start);
  while (quote > start && text.charCodeAt(quote - 1) === 92) {
    let before = quote - 2;
    while (before >= start && text.charCodeAt(before) === 92) before -= 1;
    // An even number of backslashes are escaped backslashes: the quote is bare.
    if (((quote - before) & 1) === 1) return quote;
    quote = text.indexOf('"', quote + 1);
  }
  return quote;
}

/** The one piece of `frame` that is not in `forward`, beginning with the comma before `usage`. */
function cutOf(frame: string, forward: string): Cut | undefined {
  const start = frame.lastIndexOf(",", frame.lastIndexOf('"usage"'));
  const chars = frame.length - forward.length;
  if (start === -1 || chars < 0) return undefined;
  const isCut =
    forward.startsWith(frame.slice(0, start)) && forward.endsWith(frame.slice(start + chars));
  return isCut ? { start, chars } : undefined;
}
