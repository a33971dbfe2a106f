// Tests: a certificate authority, a server for 127.0.0.1 and a client, made anew by openssl each time.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  readonly caFile: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Paths of PEM files in `folder`; undefined where there is no openssl. */
export function makeCertificates(folder: string): Certificates | undefined {
  if (Bun.which("openssl") === null) return undefined;
  const path = (name: string): string => join(folder, name);
  writeFileSync(path("names.txt"), "subjectAltName=IP:127.0.0.1");
  const openssl = (...command: readonly string[]): void => {
    const ran = Bun.spawnSync(["openssl", ...command], { cwd: folder });
    if (ran.exitCode !== 0) throw new Error(`openssl: ${ran.stderr.toString()}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-ca");
  for (const name of ["server", "client"]) {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    const names = ["-extfile", "names.txt"];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signed, ...names);
  }
  return {
    caFile: path("ca.pem"),
    serverCert: path("server.pem"),
    serverKey: path("server.key"),
    clientCert: path("client.pem"),
    clientKey: path("client.key"),
  };
}
