// `bun scripts/audit.ts`: asks the registry whether a locked dependency has a known vulnerability. Ends with
// 1 when one has. A registry that cannot be asked is said, loudly, and is no failure: the step must not
// depend on a network.

export interface Advisory {
  readonly package: string;
  readonly severity: string;
  readonly title: string;
  readonly url: string;
}

/** What `bun audit --json` lists, or undefined where that is no list: the registry was not reached. */
export function readAdvisories(json: string): Advisory[] | undefined {
  let listed: unknown;
  try {
    listed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof listed !== "object" || listed === null || Array.isArray(listed)) return undefined;
  // An error in JSON is no list either: it must not look like all being well.
  if (!Object.values(listed).every(Array.isArray)) return undefined;
  return Object.entries(listed as Record<string, Partial<Advisory>[]>).flatMap(([name, found]) =>
    found.map(({ severity = "unknown", title = "", url = "" }) => ({
      package: name,
      severity,
      title,
      url,
    })),
  );
}

if (import.meta.main) {
  const audit = Bun.spawnSync([process.execPath, "audit", "--json"], { timeout: 60_000 });
  const advisories = readAdvisories(audit.stdout.toString());
  if (advisories === undefined) {
    console.log("audit: NOT DONE, the registry's audit service could not be reached:");
    const [reason = ""] = audit.stderr.toString().trim().split("\n", 1);
    console.log(`  ${reason.replace(/https?:\/\/\S+/g, "the registry")}`);
  } else {
    for (const { package: name, severity, title, url } of advisories) {
      console.error(`${name}: ${severity}: ${title} ${url}`);
    }
    console.log(`audit: ${advisories.length} known vulnerabilities`);
    process.exit(advisories.length === 0 ? 0 : 1);
  }
}
