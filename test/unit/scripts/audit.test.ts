import { describe, expect, test } from "bun:test";
import { readAdvisories } from "../../../scripts/audit.ts";

describe("readAdvisories", () => {
  test("lists what the registry knows of each package", () => {
    const json = JSON.stringify({
      "left-pad": [
        { id: 1, url: "https://advisories.example/1", title: "pads right", severity: "high" },
      ],
      other: [{}],
    });
    expect(readAdvisories(json)).toEqual([
      {
        package: "left-pad",
        severity: "high",
        title: "pads right",
        url: "https://advisories.example/1",
      },
      { package: "other", severity: "unknown", title: "", url: "" },
    ]);
  });

  test("says that all is well only when the registry said so", () => {
    expect(readAdvisories("{}")).toEqual([]);
    for (const nothing of ["", "error: no network", "null", "[]", "3"]) {
      expect(readAdvisories(nothing)).toBeUndefined();
    }
  });
});
