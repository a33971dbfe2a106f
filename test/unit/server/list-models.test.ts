import { describe, expect, test } from "bun:test";
import {
  mergeModels,
  modelListBody,
  modelsOf,
  providersToAsk,
  readModelList,
} from "../../../src/server/list-models.ts";
import type { ListedModel } from "../../../src/server/list-models.ts";
import { configOf } from "../config/resolve-text.ts";

const config = configOf(`
providers:
  one: { api: openai, base_url: "http://one.test/v1" }
  two: { api: openai, base_url: "http://two.test/v1" }
  claude: { api: anthropic, base_url: "http://claude.test" }
models:
  - { name: "gpt-*", provider: one }
  - { name: fast, provider: one, model: gpt-4o-mini }
  - { name: gpt-4o, provider: two }
  - { name: "*-mini", provider: one }
  - { name: "claude-*", provider: claude }
`);
const openai = modelsOf(config, "openai");
const ids = (models: readonly ListedModel[]): string[] => models.map(({ id }) => id);

describe("the configured models", () => {
  test("of an API are those whose provider speaks it", () => {
    expect(openai.map(({ name }) => name)).toEqual(["gpt-*", "fast", "gpt-4o", "*-mini"]);
    expect(modelsOf(config, "anthropic").map(({ name }) => name)).toEqual(["claude-*"]);
    expect(modelsOf(configOf(""), "openai")).toEqual([]);
  });

  test("ask a provider once for all of its wildcards, and for nothing else", () => {
    expect(providersToAsk(openai)).toEqual(["one"]);
    expect(providersToAsk(openai.filter(({ name }) => !name.includes("*")))).toEqual([]);
  });
});

describe("the list", () => {
  const gpt4o = { id: "gpt-4o", owned_by: "one" };
  const listed = new Map([
    ["one", [gpt4o, { id: "o3-mini" }, { id: "gpt-5-mini", extra: 1 }, { id: "whisper" }]],
  ]);

  test("has exact names first, then what wildcards cover, each id once", () => {
    expect(ids(mergeModels(openai, listed, "openai"))).toEqual([
      "fast",
      "gpt-4o",
      "gpt-5-mini",
      "o3-mini",
    ]);
  });

  test("has a name's own provider's entry, and keeps what a provider says beside the id", () => {
    const merged = new Map(mergeModels(openai, listed, "openai").map((entry) => [entry.id, entry]));
    // `gpt-4o` is two's, whom nobody asked: one's entry of that name is another model.
    expect(merged.get("gpt-4o")).toEqual({
      id: "gpt-4o",
      object: "model",
      created: 0,
      owned_by: "two",
    });
    expect(merged.get("gpt-5-mini")).toEqual({ id: "gpt-5-mini", extra: 1 });
  });

  test("has the exact names even when a provider listed nothing", () => {
    expect(ids(mergeModels(openai, new Map(), "openai"))).toEqual(["fast", "gpt-4o"]);
  });

  test("is written in the shape of the API that asks, also when it is empty", () => {
    const models = [{ id: "a" }, { id: "b" }];
    expect(JSON.parse(modelListBody(models, "openai"))).toEqual({ object: "list", data: models });
    expect(JSON.parse(modelListBody(models, "anthropic"))).toEqual({
      data: models,
      has_more: false,
      first_id: "a",
      last_id: "b",
    });
    expect(JSON.parse(modelListBody([], "anthropic"))).toMatchObject({
      first_id: null,
      last_id: null,
    });
  });
});

describe("a provider's own list", () => {
  test("is read past whatever is no model", () => {
    const body = JSON.stringify({
      data: [{ id: "a", x: 1 }, null, 7, "b", { id: 3 }, { id: "c" }],
    });
    expect(readModelList(body)).toEqual([{ id: "a", x: 1 }, { id: "c" }]);
  });

  test.each(["", "null", "[]", "{}", '{"data":{"id":"a"}}', "<html>", '{"data":"x"}'])(
    "of the form %p is empty",
    (body) => {
      expect(readModelList(body)).toEqual([]);
    },
  );
});
