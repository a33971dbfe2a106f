// Bytes as a "binary string": one char (0-255) per byte. A string crosses a thread without being copied,
// an array of bytes does not; and nothing is decoded, so nothing can be decoded wrongly. Pure.

export function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

export function fromBinary(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Text as the binary string of its UTF-8 bytes. */
export function utf8ToBinary(text: string): string {
  return ascii.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** The text of a binary string that holds UTF-8. */
export function binaryToUtf8(binary: string): string {
  return ascii.test(binary) ? binary : Buffer.from(binary, "latin1").toString("utf8");
}

// oxlint-disable-next-line no-control-regex -- the whole of ASCII is meant
const ascii = /^[\x00-\x7f]*$/;
