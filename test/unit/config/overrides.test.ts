import { describe, expect, test } from "bun:test";
import { configOf, problemsOf } from "./resolve-text.ts";

const onSocket = "server: { unix: /run/e.sock, max_body: 1MiB }";

describe("the command line", () => {
  test("wins over the file", () => {
    const overrides = { host: "127.0.0.2", port: "5000" };
    const { server } = configOf("server: { host: ::1, port: 1, max_body: 1MiB }", { overrides });
    expect(server).toMatchObject({ host: "127.0.0.2", port: 5000, maxBodyBytes: 2 ** 20 });
  });

  test("wins where there is no file", () => {
    expect(configOf("", { overrides: { port: 0 } }).server.port).toBe(0);
  });

  test("replaces the file's way of listening as a whole", () => {
    expect(configOf(onSocket, { overrides: { port: 5000 } }).server).toMatchObject({
      unix: undefined,
      host: "127.0.0.1",
      port: 5000,
      maxBodyBytes: 2 ** 20,
    });
    const overrides = { unix: "./other.sock" };
    const { server } = configOf("server: { host: 127.0.0.1, port: 1 }", { overrides });
    expect(server).toMatchObject({ unix: "/srv/other.sock", port: 4000 });
  });

  test("is named in the problems it causes", () => {
    expect(problemsOf("", { overrides: { port: "x" } })).toEqual([
      '--port: must be a whole number from 0 to 65535 (got "x")',
    ]);
    expect(problemsOf("", { overrides: { unix: "" } })).toEqual([
      "--unix: must be a path that is not empty",
    ]);
    expect(problemsOf("", { overrides: { unix: "a", port: 1 } })).toEqual([
      "--port: stands beside --unix; a server listens on one of them, leave one out",
    ]);
    const [problem] = problemsOf("", { overrides: { host: "0.0.0.0" } });
    expect(problem).toStartWith("--host: can be reached from other machines without a key");
  });

  test("leaves a section of the wrong shape to be reported", () => {
    expect(problemsOf("server: []", { overrides: { port: 1 } })).toEqual([
      "server: must be a mapping of keys to values",
    ]);
  });
});
