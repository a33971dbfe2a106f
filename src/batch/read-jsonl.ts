// JSON lines to rows, main thread: a list of rows per chunk that comes in. Bad lines are rows with a problem, they
// stop nothing. Holds one line at most beside its chunk.

import { isUtf8 } from "node:buffer";

import { asObject } from "../apischema/loose-json.ts";
import { parseExactJson } from "./exact-json.ts";
import { recordBytesMax, type InputRow } from "./input-row.ts";

const newline = 10;
const byteOrderMark = "\ufeff";

export async function* readJsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<InputRow[]> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let isTooLong = false;
  let line = 0;
  let number = 0;

  const take = (end: Uint8Array): InputRow | undefined => {
    line += 1;
    const whole = rest.length === 0 ? end : Buffer.concat([...rest, end]);
    const tooLong = isTooLong || whole.length > recordBytesMax;
    rest = [];
    restBytes = 0;
    isTooLong = false;
    if (tooLong) {
      number += 1;
      return badRow(number, line, `the line is longer than ${recordBytesMax} bytes`);
    }
    if (!isUtf8(whole)) {
      number += 1;
      return badRow(number, line, "the line is not UTF-8");
    }
    let text = Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString("utf8").trim();
    if (line === 1 && text.startsWith(byteOrderMark)) text = text.slice(1);
    if (text === "") return undefined;
    number += 1;
    return parseRow(text, number, line);
  };

  for await (const chunk of bytes) {
    const rows: InputRow[] = [];
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(newline, from);
      if (at < 0) break;
      const row = take(chunk.subarray(from, at));
      if (row !== undefined) rows.push(row);
      from = at + 1;
    }
    if (from < chunk.length && !isTooLong) {
      const piece = chunk.subarray(from);
      rest.push(piece);
      restBytes += piece.length;
      if (restBytes > recordBytesMax) {
        isTooLong = true;
        rest = [];
      }
    }
    if (rows.length > 0) yield rows;
  }
  if (rest.length === 0 && !isTooLong) return;
  const last = take(new Uint8Array());
  if (last !== undefined) yield [last];
}

function parseRow(text: string, number: number, line: number): InputRow {
  try {
    const fields = asObject(parseExactJson(text));
    if (fields !== undefined) {
      return isTooDeep(fields, text)
        ? badRow(number, line, "the line is nested too deep")
        : { number, line, fields, problem: "" };
    }
    return badRow(number, line, "the line is no JSON object");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return badRow(number, line, "the line is no JSON");
  }
}

/** No shorter line is. */
const deepCharsMin = 20_000;
/** What it will be written within, and from: more of the stack is used by then. */
const levelsAround = 1000;

/** Whether it can be read, and not be written again. */
function isTooDeep(fields: unknown, text: string): boolean {
  if (text.length < deepCharsMin) return false;
  let whole = fields;
  for (let level = 0; level < levelsAround; level++) whole = [whole];
  try {
    JSON.stringify(whole);
    return false;
  } catch (error) {
    if (error instanceof RangeError) return true;
    throw error;
  }
}

function badRow(number: number, line: number, problem: string): InputRow {
  return { number, line, fields: {}, problem };
}
