// The frames of a guarded stream, held until what they say has been checked: in order, each whole, as it
// came unless a mask is in it. Worker threads; belongs to one stream. Nothing leaves from here that no check
// has seen, whatever its shape.

import { spliceJson } from "../../apischema/json-splice.ts";
import type { JsonPath } from "../../apischema/json-edit.ts";
import { parseLooseObject } from "../../apischema/loose-json.ts";
import { assertOneReading } from "../../apischema/one-reading.ts";
import { readEventTexts } from "../../apischema/reply-texts.ts";
import { logprobEdits } from "../../apischema/slot-edits.ts";
import { createFrameSplitter, readFrame } from "../../apischema/sse-frames.ts";
import { GatewayError } from "../../errors/gateway-error.ts";
import { createTextChannel } from "./text-channel.ts";
import type { Piece, TextChannel } from "./text-channel.ts";

export interface HeldFramesOptions {
  readonly api: "openai" | "anthropic";
  readonly holdbackChars: number;
  readonly windowChars: number;
  readonly windowMs: number;
  /** Nothing leaves before the end. */
  readonly whole: boolean;
  readonly nowMs: () => number;
  /** Frames are binary strings; their texts are not. */
  readonly decode: (binary: string) => string;
  readonly encode: (text: string) => string;
  /** Resolves with as many texts and images, masked or not; rejects to end the stream. */
  readonly check: (shown: ShownWindow) => Promise<ShownContent>;
}

export interface ShownContent {
  readonly texts: readonly string[];
  readonly images: readonly string[];
}

interface ShownWindow extends ShownContent {
  /** Which of the stream's texts each is. */
  readonly sources: readonly number[];
  readonly final: boolean;
}

export interface HeldFrames {
  /** Adds frames. @throws GatewayError `provider_invalid` for more than can be held, or of two readings */
  readonly push: (binary: string) => void;
  /** In how many ms a check is due; undefined: not before more has come. */
  readonly dueMs: () => number | undefined;
  /** Checks what is new and hands out what may leave; after `final` nothing is held. */
  readonly settle: (final: boolean) => Promise<string>;
}

interface HeldText {
  readonly channel: TextChannel;
  readonly piece: Piece;
  /** Undefined: the data as a whole, which is no JSON object. */
  readonly path: JsonPath | undefined;
}

interface HeldImage {
  readonly path: JsonPath;
  readonly image: string;
  /** What a check made of it; undefined before that. */
  checked: string | undefined;
}

interface HeldFrame {
  readonly frame: string;
  readonly data: string;
  readonly texts: readonly HeldText[];
  readonly images: readonly HeldImage[];
}

/** So much may wait for a verdict at once. */
const heldCharsMax = 32 * 1024 * 1024;

export function createHeldFrames(options: HeldFramesOptions): HeldFrames {
  const splitter = createFrameSplitter({ frameCharsMax: heldCharsMax });
  const named = new Map<string, TextChannel>();
  /** With the number of each. */
  let open = new Map<TextChannel, number>();
  let channels = 0;
  let held: HeldFrame[] = [];
  const newImages: HeldImage[] = [];
  let heldChars = 0;
  let hasNews = false;
  let hasStarted = false;
  let newsSinceMs = 0;

  function channelOf(name: string | undefined, kind: "text" | "json"): TextChannel {
    const known = name === undefined ? undefined : named.get(name);
    if (known !== undefined) return known;
    const channel = createTextChannel(kind, options.holdbackChars);
    open.set(channel, channels++);
    if (name !== undefined) named.set(name, channel);
    return channel;
  }

  function hold(frame: string): void {
    heldChars += frame.length;
    if (heldChars > heldCharsMax) {
      throw new GatewayError("provider_invalid", "the stream is too long to be checked whole");
    }
    const { data } = readFrame(frame);
    const decoded = data === undefined || data === "[DONE]" ? "" : options.decode(data);
    const event = parseLooseObject(decoded);
    if (event !== undefined) assertOneReading(decoded);
    const { texts, images } =
      event === undefined ? { texts: opaqueTexts(decoded), images: [] } : eventTexts(event);
    held.push({ frame, data: decoded, texts, images });
    newImages.push(...images);
    if (texts.length + images.length === 0) return;
    if (!hasNews) newsSinceMs = options.nowMs();
    hasNews = true;
  }

  function eventTexts(event: object): Pick<HeldFrame, "texts" | "images"> {
    const { pieces, images: slots, ends } = readEventTexts(options.api, event);
    const texts = pieces.map(({ channel: name, kind, raw, path }) => {
      const channel = channelOf(name, kind);
      const piece = channel.add(raw);
      if (name === undefined) channel.close();
      return { channel, piece, path };
    });
    const images = slots.map((slot): HeldImage => ({ ...slot, checked: undefined }));
    if (ends === undefined) return { texts, images };
    for (const [name, channel] of named) {
      if (!name.startsWith(ends)) continue;
      channel.close();
      named.delete(name);
      hasNews = true;
    }
    return { texts, images };
  }

  function opaqueTexts(data: string): HeldText[] {
    if (data === "") return [];
    const channel = channelOf(undefined, "text");
    const piece = channel.add(data);
    channel.close();
    return [{ channel, piece, path: undefined }];
  }

  function release(final: boolean): string {
    const mayLeave = ({ texts, images }: HeldFrame): boolean =>
      texts.every(({ channel, piece }) => channel.mayLeave(piece)) &&
      images.every(({ checked }) => checked !== undefined);
    // What has no text waits for the first that has one: till then a block is still a plain refusal.
    const first = held.findIndex(({ texts, images }) => texts.length + images.length > 0);
    if (!hasStarted && !final && !(first !== -1 && mayLeave(held[first] as HeldFrame))) return "";
    hasStarted = true;
    let out = "";
    let count = 0;
    for (const frame of held) {
      if (!mayLeave(frame)) break;
      out += leave(frame);
      heldChars -= frame.frame.length;
      count++;
    }
    held = held.slice(count);
    return out;
  }

  function leave({ frame, data, texts, images }: HeldFrame): string {
    const imageEdits = images.flatMap(({ path, image, checked = image }) =>
      checked === image ? [] : [{ path, value: checked }],
    );
    const textEdits = texts.flatMap(({ channel, piece, path }) => {
      const { raw, changed } = channel.leave(piece);
      return changed ? [{ path: path ?? [], value: raw }] : [];
    });
    const edits = [...textEdits, ...imageEdits];
    if (edits.length === 0) return frame;
    if (edits[0]?.path.length === 0) return withData(frame, options.encode(edits[0].value));
    const all = [...edits, ...logprobEdits(JSON.parse(data), edits)];
    return withData(frame, options.encode(spliceJson(data, all)));
  }

  return {
    push(binary) {
      for (const frame of splitter.push(binary)) hold(frame);
    },
    dueMs() {
      if (options.whole || !hasNews) return undefined;
      if (newImages.length > 0) return 0;
      let unchecked = 0;
      let isWorthIt = false;
      for (const channel of open.keys()) {
        unchecked += channel.uncheckedChars();
        isWorthIt ||= channel.isWorthChecking();
        if (channel.isClosed() && channel.uncheckedChars() > 0) return 0;
      }
      if (!isWorthIt) return undefined;
      if (!hasStarted || unchecked >= options.windowChars) return 0;
      return Math.max(0, newsSinceMs + options.windowMs - options.nowMs());
    },
    async settle(final) {
      const rest = final ? splitter.rest() : "";
      if (rest !== "") hold(rest);
      hasNews = false;
      const due: TextChannel[] = [];
      const texts: string[] = [];
      const sources: number[] = [];
      for (const [channel, source] of open) {
        if (final) channel.close();
        const text = channel.beginCheck(final);
        if (text === undefined) continue;
        due.push(channel);
        texts.push(text);
        sources.push(source);
      }
      const images = newImages.splice(0);
      if (due.length + images.length > 0) {
        const shown = { texts, images: images.map(({ image }) => image), sources, final };
        const checked = await options.check(shown);
        for (const [at, channel] of due.entries()) {
          channel.endCheck(checked.texts[at] ?? texts[at] ?? "");
        }
        for (const [at, image] of images.entries())
          image.checked = checked.images[at] ?? image.image;
      }
      open = new Map([...open].filter(([channel]) => !channel.isClosed()));
      return release(final);
    },
  };
}

/** The frame's other fields, with this data; both binary strings. */
function withData(frame: string, data: string): string {
  const kept = frame
    .split(/\r\n|\n|\r/)
    .filter((line) => line !== "" && !/^\uFEFF?data(?::|$)/.test(line))
    .map((line) => `${line}\n`)
    .join("");
  return `${kept}data: ${data.replace(/\r\n|\n|\r/g, "\ndata: ")}\n\n`;
}
