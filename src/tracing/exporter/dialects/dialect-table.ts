// Dialect names as configuration has them. A new dialect is a file and one line here. Pure.

import { autoDialect } from "./auto.ts";
import type { Dialect } from "./dialect.ts";
import { genaiDialect } from "./genai.ts";
import { langfuseDialect } from "./langfuse.ts";
import { mlflowDialect } from "./mlflow.ts";
import { phoenixDialect } from "./phoenix.ts";

const dialects: Readonly<Record<string, Dialect>> = {
  auto: autoDialect,
  genai: genaiDialect,
  langfuse: langfuseDialect,
  mlflow: mlflowDialect,
  phoenix: phoenixDialect,
};

/** An unknown name is the configuration's error; here it means the default. */
export function dialectNamed(name: string): Dialect {
  return dialects[name] ?? autoDialect;
}
