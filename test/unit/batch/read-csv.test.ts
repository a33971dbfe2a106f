import { describe, expect, test } from "bun:test";
import { guessDelimiter, HeaderError, readCsv } from "../../../src/batch/read-csv.ts";
import type { InputRow } from "../../../src/batch/input-row.ts";

/** The rows of a text that comes in pieces of so many bytes. */
async function read(
  text: string,
  { delimiter = ",", pieceBytes = 1 << 20 } = {},
): Promise<InputRow[]> {
  const bytes = Buffer.from(text);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const rows: InputRow[] = [];
  for await (const batch of readCsv(pieces(), delimiter)) rows.push(...batch);
  return rows;
}

describe("a CSV file", () => {
  const text = '\ufeffid,text\r\n1,"a, ""b""\r\nc"\r\n\r\n2,ü 😀\n3,\n';

  test("has quotes, newlines in fields, a BOM, empty lines and no newline at its end", async () => {
    const rows = await read(text.trimEnd());
    expect(rows.map((row) => row.fields)).toEqual([
      { id: "1", text: 'a, "b"\r\nc' },
      { id: "2", text: "ü 😀" },
      { id: "3", text: "" },
    ]);
    expect(rows.map((row) => row.problem)).toEqual(["", "", ""]);
    expect(rows.map((row) => row.number)).toEqual([1, 2, 3]);
  });

  test("may have columns of any name, those of objects too", async () => {
    const [row] = await read("__proto__,constructor,toString\n1,2,3\n");
    expect(Object.entries(row?.fields ?? {})).toEqual([
      ["__proto__", "1"],
      ["constructor", "2"],
      ["toString", "3"],
    ]);
  });

  test("reads the same wherever it is cut", async () => {
    const whole = await read(text);
    for (let pieceBytes = 1; pieceBytes < 12; pieceBytes++) {
      expect(await read(text, { pieceBytes })).toEqual(whole);
    }
  });

  test("keeps a row of another length as one with a problem, in its place, with its line", async () => {
    const rows = await read("a,b\n1,2\n3\n4,5,6\n7,8\n");
    expect(rows.map((row) => row.problem)).toEqual([
      "",
      "1 fields where the header has 2",
      "3 fields where the header has 2",
      "",
    ]);
    expect(rows.map((row) => row.line)).toEqual([2, 3, 4, 5]);
  });

  test("says where a quote is never closed", async () => {
    const rows = await read('a,b\n1,2\n3,"4\n5,6\n');
    expect(rows.map((row) => row.problem)).toEqual(["", "a quote is never closed"]);
    expect(rows[1]?.line).toBe(3);
  });

  test("is refused with a name twice, and names what has no name", async () => {
    expect(read("a,b,a\n1,2,3\n")).rejects.toBeInstanceOf(HeaderError);
    expect((await read("a,\n1,2\n"))[0]?.fields).toEqual({ a: "1", column_2: "2" });
  });

  test("may be empty, or have a header only", async () => {
    expect(await read("")).toEqual([]);
    expect(await read("a,b\n")).toEqual([]);
  });

  test("keeps names that every object has as columns like others", async () => {
    const [row] = await read("constructor,toString\n1,2\n");
    expect(row?.fields).toEqual({ constructor: "1", toString: "2" } as never);
  });
});

test("the delimiter is the one that the first line has most of, outside quotes", () => {
  expect(guessDelimiter("a,b,c\n1;2;3;4")).toBe(",");
  expect(guessDelimiter('"a,b,c,d";b;c\n')).toBe(";");
  expect(guessDelimiter("a\tb\n")).toBe("\t");
  expect(guessDelimiter("a|b|c\n")).toBe("|");
  expect(guessDelimiter("single\n")).toBe(",");
});
