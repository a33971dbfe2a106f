// Cuts attribute values that are longer than a destination takes, and says which: a backend that cuts by itself
// does so silently and leaves broken JSON behind. Pure.

import { attr } from "../../recorder/semconv.ts";
import type { SpanRange } from "../../recorder/span-decoding.ts";
import { encodeAttribute } from "../../recorder/span-encoding.ts";
import { eachField, wireLen } from "../../recorder/wire-reader.ts";
import { rewriteFields, rewriteSpans } from "../span-rewrite.ts";
import type { CallRewrite } from "./dialect.ts";
import { shortenJson, shortenText } from "./shorten-text.ts";

/** @param limitBytes longest UTF-8 text of a value; shorter ones and those of other types are left alone */
export function limitAttributes(limitBytes: number): CallRewrite {
  return (spans) =>
    rewriteSpans(spans, (bytes, range) => {
      if (!hasLongAttribute(bytes, range, limitBytes)) return undefined;
      const cut: string[] = [];
      const body = rewriteFields(bytes, range, (field, start, end) => {
        if (field !== 9 || end - start <= limitBytes) return undefined;
        const attribute = readText(bytes, start, end);
        if (attribute === undefined || attribute.sizeBytes <= limitBytes) return undefined;
        const { key, value } = attribute;
        cut.push(key);
        const short = shortenJson(value, limitBytes) ?? shortenText(value, limitBytes);
        return encodeAttribute(key, short);
      });
      return cut.length === 0 ? undefined : body + encodeAttribute(attr.cutAttributes, cut);
    });
}

function hasLongAttribute(bytes: Buffer, range: SpanRange, limitBytes: number): boolean {
  let found = false;
  eachField(bytes, range.start, range.end, (field, _wire, start, end) => {
    if (field === 9 && end - start > limitBytes) found = true;
    return !found;
  });
  return found;
}

/** An attribute whose value is a text. */
function readText(bytes: Buffer, attributeStart: number, attributeEnd: number) {
  let key = "";
  let value: string | undefined;
  let sizeBytes = 0;
  eachField(bytes, attributeStart, attributeEnd, (field, _wire, start, end) => {
    if (field === 1) key = bytes.toString("utf8", start, end);
    else if (field === 2) {
      eachField(bytes, start, end, (type, wire, from, to) => {
        if (type !== 1 || wire !== wireLen) return;
        value = bytes.toString("utf8", from, to);
        sizeBytes = to - from;
      });
    }
  });
  return value === undefined ? undefined : { key, value, sizeBytes };
}
