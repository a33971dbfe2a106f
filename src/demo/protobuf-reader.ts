// Demo and tests: walks the fields of a protobuf message. Pure. Deliberately shares nothing with the encoder
// of tracing/recorder, so that a wrong encoder is seen.

/** One field: `value` of a varint or fixed field, or `bytes` of a length-delimited one. */
export interface ProtobufField {
  readonly number: number;
  readonly wireType: number;
  readonly value: bigint;
  readonly bytes: Uint8Array;
}

const noBytes = new Uint8Array(0);

/** Yields a message's fields in order. Throws on bytes that are no protobuf message. */
export function* protobufFields(message: Uint8Array): Generator<ProtobufField> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("protobuf: truncated varint");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error("protobuf: varint of more than ten bytes");
  };
  const take = (length: number): number => {
    const start = at;
    at += length;
    if (at > message.length) throw new Error("protobuf: truncated field");
    return start;
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0) throw new Error("protobuf: field number 0");
    switch (wireType) {
      case 0:
        yield { number, wireType, value: varint(), bytes: noBytes };
        break;
      case 1:
        yield { number, wireType, value: view.getBigUint64(take(8), true), bytes: noBytes };
        break;
      case 2: {
        const length = Number(varint());
        const start = take(length);
        yield { number, wireType, value: 0n, bytes: message.subarray(start, start + length) };
        break;
      }
      case 5:
        yield { number, wireType, value: BigInt(view.getUint32(take(4), true)), bytes: noBytes };
        break;
      default:
        throw new Error(`protobuf: wire type ${wireType}`);
    }
  }
}
