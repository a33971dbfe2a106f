// Bytes put together in one buffer that is used again and again, for what is sent to destinations. Each writer
// has one owner, who is done with its bytes before the next `clear`.

/** Encoded spans: bytes as the ledger gives them, or the binary string (one char per byte) they came in. */
export type SpanBytes = string | Uint8Array;

export interface ByteWriter {
  /** Starts anew, with that much room left in front for {@link ByteWriter.under}. */
  readonly clear: (marginBytes?: number) => void;
  readonly size: () => number;
  readonly byte: (value: number) => void;
  /** An unsigned varint of a safe integer. */
  readonly varint: (value: number) => void;
  readonly put: (bytes: SpanBytes) => void;
  readonly copy: (source: Buffer, start: number, end: number) => void;
  /** The UTF-8 of `text`, which takes `sizeBytes`: see {@link utf8Length}. */
  readonly utf8: (text: string, sizeBytes: number) => void;
  /** All that was written, in place: the next `clear` takes it away. */
  readonly bytes: () => Buffer;
  /** The same with `head` in front, which must fit the margin. */
  readonly under: (head: Uint8Array) => Buffer;
}

const initialBytes = 16 * 1024;
/** A buffer that something huge has blown up is let go. */
const keptBytesMax = 2 * 1024 * 1024;
/** Short ASCII, almost all there is, is written without a call. */
const shortText = 96;

export function createByteWriter(): ByteWriter {
  let buffer = Buffer.allocUnsafe(initialBytes);
  let begin = 0;
  let at = 0;

  const reserve = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };

  const varint = (value: number): void => {
    reserve(10);
    let rest = value;
    while (rest >= 128) {
      buffer[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    buffer[at++] = rest;
  };

  return {
    clear(marginBytes = 0) {
      if (buffer.length > keptBytesMax) buffer = Buffer.allocUnsafe(initialBytes);
      begin = marginBytes;
      at = 0;
      reserve(marginBytes);
      at = marginBytes;
    },
    size: () => at - begin,
    byte(value) {
      reserve(1);
      buffer[at++] = value;
    },
    varint,
    put(bytes) {
      reserve(bytes.length);
      if (typeof bytes === "string") buffer.write(bytes, at, "latin1");
      else buffer.set(bytes, at);
      at += bytes.length;
    },
    copy(source, start, end) {
      reserve(end - start);
      at += source.copy(buffer, at, start, end);
    },
    utf8(text, sizeBytes) {
      reserve(sizeBytes);
      if (sizeBytes !== text.length || sizeBytes > shortText) {
        at += buffer.write(text, at, "utf8");
        return;
      }
      for (let index = 0; index < sizeBytes; index += 1) buffer[at++] = text.charCodeAt(index);
    },
    bytes: () => buffer.subarray(begin, at),
    under(head) {
      buffer.set(head, begin - head.length);
      return buffer.subarray(begin - head.length, at);
    },
  };
}

/** As bytes; those of a binary string are new. */
export function toBytes(spans: SpanBytes): Uint8Array {
  return typeof spans === "string" ? Buffer.from(spans, "latin1") : spans;
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  const { length } = text;
  if (length > shortText) return Buffer.byteLength(text, "utf8");
  for (let index = 0; index < length; index += 1) {
    if (text.charCodeAt(index) > 127) return Buffer.byteLength(text, "utf8");
  }
  return length;
}
