// Tests: a guardrail module of the kind that nobody means to write. What it does stands in the text it checks.

interface Input {
  readonly texts: readonly string[];
}

async function check({ texts }: Input): Promise<{ readonly action: "allow" }> {
  const trouble = /TROUBLE-([a-z-]+)/.exec(texts.join(" "))?.[1];
  switch (trouble ?? "none") {
    case "spin":
      for (;;);
    case "wait-then-spin":
      await Bun.sleep(120);
      for (;;);
    case "throw-late":
      setTimeout(() => {
        throw new Error("thrown late by a guardrail");
      }, 40);
      await Bun.sleep(60_000);
      break;
    case "reject-late":
      setTimeout(() => void Promise.reject(new Error("rejected late by a guardrail")), 40);
      await Bun.sleep(60_000);
      break;
    case "exit":
      setTimeout(() => process.exit(7), 40);
      await Bun.sleep(60_000);
      break;
    case "too-much":
      // One allocation that cannot be: an error like any other, in the call that asked for it.
      new Uint8Array(2 ** 40);
      break;
  }
  return { action: "allow" };
}

const guardrail: { readonly check: typeof check } = { check };
export default guardrail;
