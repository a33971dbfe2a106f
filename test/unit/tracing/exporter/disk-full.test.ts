import { expect, test } from "bun:test";
import { isDiskFull } from "../../../../src/tracing/exporter/disk-full.ts";

test.each(["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC", "EDQUOT"])(
  "%s says that there is no room",
  (code) => expect(isDiskFull(Object.assign(new Error("no"), { code }))).toBe(true),
);

test.each(["SQLITE_BUSY", "SQLITE_IOERR_WRITE", "EACCES"])("%s does not", (code) =>
  expect(isDiskFull(Object.assign(new Error("disk is full"), { code }))).toBe(false),
);

test("nor does what is no error, or one without a code", () => {
  expect(isDiskFull(new Error("SQLITE_FULL"))).toBe(false);
  expect(isDiskFull("ENOSPC")).toBe(false);
});
