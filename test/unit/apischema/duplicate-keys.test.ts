import { describe, expect, test } from "bun:test";
import { findDuplicateKey } from "../../../src/apischema/duplicate-keys.ts";
import { createRandom, randomJson } from "./random-json.ts";

describe("findDuplicateKey", () => {
  test("finds a key that occurs twice in an object, at any depth", () => {
    expect(findDuplicateKey('{"a":1,"a":2}')).toBe("a");
    expect(findDuplicateKey('[0,{"m":[{"text":"x" , "text" :"y"}]}]')).toBe("text");
    expect(findDuplicateKey('{"a":{"b":1},"c":[{}],"a":0}')).toBe("a");
    expect(findDuplicateKey('{"":1,"":2}')).toBe("");
  });

  test("sees through escapes", () => {
    expect(findDuplicateKey('{"messages":1,"mess\\u0061ges":2}')).toBe("messages");
    expect(findDuplicateKey('{"a\\/b":1,"a/b":2}')).toBe("a/b");
    expect(findDuplicateKey('{"q\\"":1,"q\\u0022":2}')).toBe('q"');
  });

  test("lets the same key stand in different objects, and as a value", () => {
    expect(findDuplicateKey('{"a":{"a":{"a":"a"}},"b":[{"a":1},{"a":2}],"c":"a"}')).toBeUndefined();
    expect(findDuplicateKey('["a","a",{"a":["a","a"]}]')).toBeUndefined();
    expect(findDuplicateKey('{"a":"{\\"b\\":1,\\"b\\":2}"}')).toBeUndefined();
    for (const text of ["{}", "[]", '"a"', "1", "", ' { "a" : 1 } ']) {
      expect(findDuplicateKey(text)).toBeUndefined();
    }
  });

  test("holds among many keys, and among the names that objects are born with", () => {
    const many = Array.from({ length: 500 }, (_, at) => `"k${at}":0`);
    expect(findDuplicateKey(`{${many.join(",")}}`)).toBeUndefined();
    expect(findDuplicateKey(`{${many.join(",")},"k3":1}`)).toBe("k3");
    expect(findDuplicateKey(`{${many.join(",")},"k499":1}`)).toBe("k499");
    expect(findDuplicateKey('{"__proto__":1,"constructor":2}')).toBeUndefined();
    expect(findDuplicateKey('{"__proto__":1,"__proto__":2}')).toBe("__proto__");
  });

  test("agrees with a reader that looks at every token", () => {
    const found = { yes: 0, no: 0 };
    for (let seed = 0; seed < 4000; seed += 1) {
      const text = randomJson(createRandom(seed), 4, true);
      const expected = firstDuplicate(text);
      found[expected === undefined ? "no" : "yes"] += 1;
      expect({ seed, key: findDuplicateKey(text) }).toEqual({ seed, key: expected });
    }
    expect(found.yes).toBeGreaterThan(300);
    expect(found.no).toBeGreaterThan(300);
  });
});

/** By a tokenizer with a regular expression, in the order of the text. */
function firstDuplicate(text: string): string | undefined {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g) ?? [];
  const open: (Set<string> | undefined)[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (tokens[at + 1] === ":") {
      const key = JSON.parse(token) as string;
      if (open.at(-1)?.has(key)) return key;
      open.at(-1)?.add(key);
    }
  }
  return undefined;
}
