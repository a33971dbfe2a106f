import { describe, expect, test } from "bun:test";
import { findNodeAtLocation, parseTree, type Node } from "jsonc-parser";
import type { JsonEdit, JsonPath, JsonValue } from "../../../src/apischema/json-edit.ts";
import { spliceJson } from "../../../src/apischema/json-splice.ts";
import { GatewayError } from "../../../src/errors/gateway-error.ts";
import { createRandom, randomJson, randomValue, type Random } from "./random-json.ts";

const set = (path: JsonPath, value: JsonValue): JsonEdit => ({ path, value });
const remove = (path: JsonPath): JsonEdit => ({ path, remove: true });

describe("an edited body", () => {
  const body =
    '{ "model" : "a",\n  "seed":12345678901234567890, "messages":[ {"content":"\\u0041"} ] }\n';

  test("keeps every byte that no edit names", () => {
    expect(spliceJson(body, [])).toBe(body);
    expect(spliceJson(body, [set(["model"], "b/c")])).toBe(body.replace('"a"', '"b/c"'));
    expect(spliceJson(body, [remove(["seed"])])).toBe(
      '{ "model" : "a", "messages":[ {"content":"\\u0041"} ] }\n',
    );
  });

  test("gets a new property at the end of its object", () => {
    const options = { include_usage: true };
    expect(spliceJson(body, [set(["stream_options"], options)])).toBe(
      body.replace(" ] }\n", ' ],"stream_options":{"include_usage":true} }\n'),
    );
    expect(spliceJson("{}", [set(["a"], 1)])).toBe('{"a":1}');
    expect(spliceJson(" { } ", [set(["a"], 1), set(["b"], 2)])).toBe(' {"a":1,"b":2 } ');
    expect(spliceJson('{"x":"\\u0061"}', [set(["a"], 1)])).toBe('{"x":"\\u0061","a":1}');
  });

  test("is searched for a key that is spelled with escapes or occurs in a text", () => {
    expect(spliceJson('{"\\u0061":1}', [set(["a"], 2)])).toBe('{"\\u0061":2}');
    expect(spliceJson('{"b":"\\"a\\""}', [set(["a"], 2)])).toBe('{"b":"\\"a\\"","a":2}');
    expect(spliceJson('{"b":{"a":1}}', [set(["a"], 2)])).toBe('{"b":{"a":1},"a":2}');
  });

  test("gets the objects above a new property where there are none, or null", () => {
    const edit = set(["stream_options", "include_usage"], true);
    const asked = '"stream_options":{"include_usage":true}';
    expect(spliceJson('{"a":1}', [edit])).toBe(`{"a":1,${asked}}`);
    expect(spliceJson('{"stream_options":null}', [edit])).toBe(`{${asked}}`);
    expect(spliceJson('{"stream_options":{"include_obfuscation":false}}', [edit])).toBe(
      '{"stream_options":{"include_obfuscation":false,"include_usage":true}}',
    );
  });

  test("changes in many places at once, deep ones included", () => {
    const text =
      '{"messages":[{"content":"x"},{"content":[{"type":"text","text":"y"}]}],"model":"m"}';
    const edits = [
      set(["messages", 1, "content", 0, "text"], "<masked>"),
      set(["model"], "n"),
      set(["messages", 0, "content"], "<gone>"),
    ];
    expect(spliceJson(text, edits)).toBe(
      '{"messages":[{"content":"<gone>"},{"content":[{"type":"text","text":"<masked>"}]}],"model":"n"}',
    );
  });

  test("loses elements and properties wherever they stand", () => {
    const text = "[ 0 , 1 , 2 , 3 ]";
    expect(spliceJson(text, [remove([0])])).toBe("[ 1 , 2 , 3 ]");
    expect(spliceJson(text, [remove([3]), remove([2])])).toBe("[ 0 , 1 ]");
    expect(spliceJson(text, [remove([1]), set([4], 4)])).toBe("[ 0 , 2 , 3,4 ]");
    expect(
      spliceJson(
        text,
        [0, 1, 2, 3].map((at) => remove([at])),
      ),
    ).toBe("[  ]");
    expect(spliceJson('{"a":1}', [remove(["b"]), remove(["a", "b"])])).toBe('{"a":1}');
  });
});

describe("duplicate keys", () => {
  const text = '{"model":"a","x":1,"model":"b"}';

  test("are all replaced and all removed, so that no reader finds the old value", () => {
    expect(spliceJson(text, [set(["model"], "c")])).toBe('{"model":"c","x":1,"model":"c"}');
    expect(spliceJson(text, [remove(["model"])])).toBe('{"x":1}');
  });

  test("lead to the last one, as JSON.parse takes it", () => {
    expect(spliceJson('{"a":{"b":1},"a":{"b":2}}', [set(["a", "b"], 3)])).toBe(
      '{"a":{"b":1},"a":{"b":3}}',
    );
  });
});

describe("an edit that cannot be made", () => {
  const cases: [string, string, JsonEdit[], string][] = [
    ["leads through a scalar", '{"a":"x"}', [set(["a", "b"], 1)], "invalid_request"],
    ["leads past the end of an array", "[1]", [set([2], 1)], "invalid_request"],
    ["names a key of an array", "[1]", [set(["a"], 1)], "invalid_request"],
    ["would have to make an array", "{}", [set(["a", 0], 1)], "invalid_request"],
    ["overlaps another", "{}", [set(["a"], 1), set(["a", "b"], 1)], "internal"],
    ["names the same place twice", "{}", [set(["a"], 1), remove(["a"])], "internal"],
    ["is in text that is not JSON", '{"a', [remove(["a"])], "invalid_request"],
    ["is in an object that does not end", '{"a":[', [remove(["a"])], "invalid_request"],
  ];
  test.each(cases)("throws when it %s", (_, text, edits, code) => {
    expect(() => spliceJson(text, edits)).toThrow(expect.objectContaining({ code }));
    expect(() => spliceJson(text, edits)).toThrow(GatewayError);
  });
});

describe("over random JSON", () => {
  test("a replacement changes exactly the bytes that another parser finds there", () => {
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = createRandom(seed);
      const text = randomJson(random, 4);
      const edits = apart(randomPaths(random, JSON.parse(text))).map((path) =>
        set(path, randomValue(random)),
      );
      expect({ seed, result: spliceJson(text, edits) }).toEqual({
        seed,
        result: replaced(text, edits),
      });
    }
  });

  test("the result parses to the edited value, and no other token changes", () => {
    for (let seed = 0; seed < 3000; seed += 1) {
      const random = createRandom(seed);
      const hasDuplicates = seed % 3 === 0;
      const text = randomJson(random, 4, hasDuplicates);
      const value: unknown = JSON.parse(text);
      const edits = randomEdits(random, value);
      const result = spliceJson(text, edits);
      expect({ seed, value: JSON.parse(result) as unknown }).toEqual({
        seed,
        value: applied(value, edits),
      });
      if (hasDuplicates || edits.some((edit) => "value" in edit)) continue;
      const kept = scalarsOf(
        text,
        edits.map((edit) => edit.path),
      );
      expect({ seed, scalars: scalarsOf(result, []) }).toEqual({ seed, scalars: kept });
    }
  });
});

/** Paths of what is there, a few of them. */
function randomPaths(random: Random, value: unknown, path: JsonPath = []): JsonPath[] {
  const below = stepsOf(value).flatMap((step) =>
    randomPaths(random, (value as Record<string, unknown>)[step], [...path, step]),
  );
  return path.length > 0 && random.chance(0.3) ? [...below, path] : below;
}

function randomEdits(random: Random, value: unknown): JsonEdit[] {
  const edits: JsonEdit[] = apart(randomPaths(random, value)).map((path) =>
    random.chance(0.5) ? remove(path) : set(path, randomValue(random)),
  );
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isRecord && random.chance(0.5)) edits.push(set(["added"], randomValue(random)));
  if (isRecord && random.chance(0.3)) edits.push(set(["made", "below"], randomValue(random)));
  if (Array.isArray(value) && random.chance(0.5))
    edits.push(set([value.length], randomValue(random)));
  return edits;
}

/** Without the paths that lie below another. */
function apart(paths: readonly JsonPath[]): JsonPath[] {
  const isBelow = (path: JsonPath, other: JsonPath) =>
    path !== other && other.every((step, at) => path[at] === step);
  return paths.filter((path) => !paths.some((other) => isBelow(path, other)));
}

function stepsOf(value: unknown): (string | number)[] {
  if (typeof value !== "object" || value === null) return [];
  return Array.isArray(value) ? [...value.keys()] : Object.keys(value);
}

const gone = Symbol("gone");

/** The edits done to the value itself. */
function applied(value: unknown, edits: readonly JsonEdit[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const edit of edits) {
    let at = copy as Record<string | number, unknown>;
    for (const step of edit.path.slice(0, -1)) {
      at[step] ??= {};
      at = at[step] as Record<string | number, unknown>;
    }
    at[edit.path.at(-1) as string] = "remove" in edit ? gone : edit.value;
  }
  return without(copy);
}

function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== gone).map(without);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== gone);
  return Object.fromEntries(kept.map(([key, item]) => [key, without(item)]));
}

/** The replacements done by the offsets of jsonc-parser's tree. */
function replaced(text: string, edits: readonly JsonEdit[]): string {
  const root = parseTree(text) as Node;
  const cuts = edits.map((edit) => {
    const node = findNodeAtLocation(root, [...edit.path]) as Node;
    return { start: node.offset, end: node.offset + node.length, edit };
  });
  let result = text;
  for (const { start, end, edit } of cuts.toSorted((left, right) => right.start - left.start)) {
    const json = "value" in edit ? JSON.stringify(edit.value) : "";
    result = result.slice(0, start) + json + result.slice(end);
  }
  return result;
}

/** Every key and scalar as it is written, in order, but for those at or below `omitted`. */
function scalarsOf(text: string, omitted: readonly JsonPath[]): string[] {
  const names = new Set(omitted.map((path) => JSON.stringify(path)));
  function walk(node: Node, path: JsonPath): string[] {
    if (names.has(JSON.stringify(path))) return [];
    const children = node.children ?? [];
    if (node.type === "array") return children.flatMap((child, at) => walk(child, [...path, at]));
    if (node.type !== "object") return [text.slice(node.offset, node.offset + node.length)];
    return children.flatMap((property) => {
      const [key, value] = property.children as [Node, Node];
      const below = [...path, key.value as string];
      const isOmitted = names.has(JSON.stringify(below));
      return isOmitted ? [] : [...walk(key, []), ...walk(value, below)];
    });
  }
  return walk(parseTree(text) as Node, []);
}
