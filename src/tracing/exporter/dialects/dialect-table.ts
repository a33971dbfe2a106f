// Dialect names as configuration has them. A new dialect is a file and one line here. Pure.

import { autoDialect } from "./auto.ts";
import { applyDialect, type CallTranslation } from "./dialect.ts";

const translations: Readonly<Record<string, CallTranslation>> = {
  /** The conventions alone: stored bytes as they are. */
  genai: (spans) => spans,
  auto: applyDialect(autoDialect),
};

/** An unknown name is the configuration's error; here it means the default. */
export function dialectTranslation(name: string): CallTranslation {
  return translations[name] ?? applyDialect(autoDialect);
}
