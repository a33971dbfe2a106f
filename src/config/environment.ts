// The one place of everyspan that reads the process's environment. Main thread.

export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy, so that what is decided at start cannot change underfoot. */
export function readEnvironment(): Environment {
  return { ...process.env };
}

/** A variable's value; empty counts as unset, and names of `Object` are no variables. */
export function variable(environment: Environment, name: string): string | undefined {
  if (!Object.hasOwn(environment, name)) return undefined;
  const value = environment[name];
  return value === undefined || value.trim() === "" ? undefined : value;
}
