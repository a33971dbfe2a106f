import { describe, expect, test } from "bun:test";
import { guessDelimiter, HeaderError, readCsv } from "../../../src/batch/read-csv.ts";
import type { InputRow } from "../../../src/batch/input-row.ts";

interface ReadOptions {
  readonly delimiter?: string;
  readonly pieceBytes?: number;
  readonly onColumns?: (columns: readonly string[]) => void;
}

/** The rows of a text that comes in pieces of so many bytes. */
async function read(
  text: string | Uint8Array,
  { delimiter = ",", pieceBytes = 1 << 20, onColumns }: ReadOptions = {},
): Promise<InputRow[]> {
  const bytes = Buffer.from(text as string);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const rows: InputRow[] = [];
  for await (const batch of readCsv(pieces(), delimiter, onColumns)) rows.push(...batch);
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
    expect(rows.map((row) => row.problem)).toEqual([
      "",
      "a quote is never closed: all that follows is in this record",
    ]);
    expect(rows[1]?.line).toBe(3);
  });

  test("is refused with a name twice, and names what has no name", async () => {
    expect(read("a,b,a\n1,2,3\n")).rejects.toBeInstanceOf(HeaderError);
    expect((await read("a,\n1,2\n"))[0]?.fields).toEqual({ a: "1", column_2: "2" });
  });

  test("that is not UTF-8 in places keeps those rows as ones with a problem, wherever it is cut", async () => {
    const latin1 = (part: string): Buffer => Buffer.from(part, "latin1");
    const bytes = Buffer.concat([
      Buffer.from("\ufeffid,größe\r\n1,ü😀\r\n"),
      latin1('2,grün\r\n3,plain\r\n4,"two\nlines, größer\nthree"\n'),
      Buffer.from('5,"�\nü"\n\n'),
      latin1("6,ü"),
    ]);
    for (const pieceBytes of [1, 2, 3, 5, 7, 11, 13, 1 << 20]) {
      const rows = await read(bytes, { pieceBytes });
      expect(rows.map(({ line, problem }) => [line, problem])).toEqual([
        [2, ""],
        [3, "the record is not UTF-8"],
        [4, ""],
        [5, "the record is not UTF-8"],
        [8, ""],
        [11, "the record is not UTF-8"],
      ]);
      expect(rows[0]?.fields).toEqual({ id: "1", größe: "ü😀" });
      expect(rows[4]?.fields).toEqual({ id: "5", größe: "�\nü" });
    }
  });

  test("whose header is not UTF-8 is refused", async () => {
    const bytes = Buffer.from("id,größe\n1,2\n", "latin1");
    expect(read(bytes)).rejects.toThrow("the header (line 1) is not UTF-8");
  });

  test("with a record beyond all measure goes on at the next line that can begin one", async () => {
    const [line, lines] = [`${"x".repeat(1000)}\n`, 34 * 1024];
    const long = `1,"${line.repeat(lines)}z"`;
    const rows = await read(`a,b\n0,0\n${long}\n\n2,3\n4,"5\n5"\n`, { pieceBytes: 1 << 16 });
    expect(rows[0]).toMatchObject({ fields: { a: "0", b: "0" }, line: 2 });
    expect(rows[1]).toMatchObject({ number: 2, line: 3 });
    expect(rows[1]?.problem).toStartWith("longer than ");
    expect(rows.at(-2)).toMatchObject({ fields: { a: "2", b: "3" }, line: lines + 5 });
    expect(rows.at(-1)).toMatchObject({ fields: { a: "4", b: "5\n5" }, line: lines + 6 });
    expect(rows.slice(2, -2).every(({ problem }) => problem.startsWith("1 fields"))).toBe(true);
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, at) => at + 1));
  });

  test("may have a header only, which is heard of, and not less", async () => {
    const heard: (readonly string[])[] = [];
    expect(await read("a,b\n", { onColumns: (columns) => heard.push(columns) })).toEqual([]);
    expect(heard).toEqual([["a", "b"]]);
    for (const nothing of ["", "\ufeff", "\n\n"]) {
      expect(read(nothing)).rejects.toThrow("there is no header row in it");
    }
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

test("lines that end in CR alone are told, not read as one header", async () => {
  const told = read("a,b\r1,2\r3,4\r");
  expect(told).rejects.toThrow("lines end in CR alone");
  expect(await read('"a\r\nb",c\r\n1,2\r\n')).toHaveLength(1);
});
