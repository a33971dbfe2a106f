import { expect, test } from "bun:test";
import { readJsonLines } from "../../../src/batch/read-jsonl.ts";
import type { InputRow } from "../../../src/batch/input-row.ts";
import { textOf } from "../../../src/batch/prompt-template.ts";

async function read(text: string | Uint8Array, pieceBytes = 1 << 20): Promise<InputRow[]> {
  const bytes = Buffer.from(text as string);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const rows: InputRow[] = [];
  for await (const batch of readJsonLines(pieces())) rows.push(...batch);
  return rows;
}

const text = '\ufeff{"a":1}\r\n\n  \n{"a":"ü😀"}\nno\n[1]\n{"a":{"b":null}}';

test("lines are rows; empty ones are none; what is no object is a row with a problem", async () => {
  const rows = await read(text);
  expect(rows.map(({ number, line, problem }) => [number, line, problem])).toEqual([
    [1, 1, ""],
    [2, 4, ""],
    [3, 5, "the line is no JSON"],
    [4, 6, "the line is no JSON object"],
    [5, 7, ""],
  ]);
  expect(rows[1]?.fields).toEqual({ a: "ü😀" });
});

test("it reads the same wherever it is cut", async () => {
  const whole = await read(text);
  for (let pieceBytes = 1; pieceBytes < 12; pieceBytes++) {
    expect(await read(text, pieceBytes)).toEqual(whole);
  }
});

test("a line beyond all measure is a row with a problem, and the next one is read", async () => {
  const long = `{"a":"${"x".repeat(33 * 1024 * 1024)}"}`;
  const rows = await read(`{"a":1}\n${long}\n{"a":2}\n`, 1 << 20);
  expect(rows.map((row) => row.problem.slice(0, 23))).toEqual(["", "the line is longer than", ""]);
});

test("a line that is not UTF-8 is a row with a problem, alone, wherever it is cut", async () => {
  const latin1 = Buffer.from('{"a":"Gr\u00fc\u00dfe"}', "latin1");
  const cutOff = Buffer.from('{"a":"\u20ac"}').subarray(0, 8);
  const bytes = Buffer.concat([
    Buffer.from('{"a":"Gr\u00fc\u00dfe \ud83d\ude00"}\n'),
    latin1,
    Buffer.from('\n{"a":"\ufffd"}\n'),
    cutOff,
  ]);
  for (const pieceBytes of [1, 2, 3, 5, 7, 11, 13, 1 << 20]) {
    const rows = await read(bytes, pieceBytes);
    expect(rows.map(({ line, problem, fields }) => [line, problem, fields["a"]])).toEqual([
      [1, "", "Gr\u00fc\u00dfe \ud83d\ude00"],
      [2, "the line is not UTF-8", undefined],
      [3, "", "\ufffd"],
      [4, "the line is not UTF-8", undefined],
    ]);
  }
});

test("numbers that no double holds are written again, and said in a prompt, as they stood", async () => {
  const line =
    '{"id":12345678901234567890,"big":1e400,"zero":-0,"deep":[{"x":9007199254740993}],"f":0.12345678901234567}';
  const [row] = await read(line);
  expect(JSON.stringify(row?.fields)).toBe(line);
  expect(textOf(row?.fields["id"])).toBe("12345678901234567890");
  expect(textOf(row?.fields["deep"])).toBe('[{"x":9007199254740993}]');
});

test("beside one of those, other numbers are numbers, however they are written", async () => {
  const [row] = await read(
    '{"id":12345678901234567890,"a":1.0,"b":1E2,"c":0.5,"d":"1e400","e":-1}',
  );
  expect(row?.fields).toMatchObject({ a: 1, b: 100, c: 0.5, d: "1e400", e: -1 });
});
