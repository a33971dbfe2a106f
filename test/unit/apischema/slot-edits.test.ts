import { expect, test } from "bun:test";
import { slotEdits, slotTexts } from "../../../src/apischema/slot-edits.ts";
import type { TextSlot } from "../../../src/apischema/text-slots.ts";
import { createRandom } from "./random-json.ts";
import { randomArguments } from "./random-arguments.ts";

/** What becomes of a tool call's arguments when what is shown of them is handed back as `mask` makes it. */
function masked(raw: string, mask: (text: string) => string): unknown {
  const slots: TextSlot[] = [{ path: ["arguments"], raw, kind: "json" }];
  const edits = slotEdits(slots, slotTexts(slots).map(mask));
  const edit = edits[0];
  return edit === undefined || !("value" in edit) ? raw : edit.value;
}

test.each([
  ['{"cc":["a@x.de","b@x.de"]}', /[ab]@x\.de/g, "[mail]", { cc: ["[mail]", "[mail]"] }],
  [String.raw`{"a":"x@x.de\n","b":"y@x.de"}`, /[xy]@x\.de/g, "-", { a: "-\n", b: "-" }],
  [String.raw`{"a":"\"x\"","b":"x"}`, /x/g, 'say "y"\n', { a: '"say "y"\n"', b: 'say "y"\n' }],
  ['{"a":"x","b":"x"}', /x/g, "", { a: "", b: "" }],
  [
    '{"a":"","b":"x"}',
    /x/g,
    "a longer text than before",
    { a: "", b: "a longer text than before" },
  ],
  ['{"a":4111}', /4111/g, '"[n]"', { a: "[n]" }],
])("masks in %s that stand close to each other leave it JSON", (raw, word, by, expected) => {
  const out = masked(raw, (text) => text.replace(word, by));
  expect(JSON.parse(String(out))).toEqual(expected);
});

test("masks of arguments of any shape change their texts and nothing else", () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = createRandom(seed);
    const { raw, mask, expected } = randomArguments(random);
    expect({ seed, value: JSON.parse(String(masked(raw, mask))) as unknown }).toEqual({
      seed,
      value: expected,
    });
  }
});
