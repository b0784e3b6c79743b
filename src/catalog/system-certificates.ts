/** What the machine trusts. Go's programs use it, so a private CA that was put there must go on working; Node's do not. */

/** In the order in which Go looks for them. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** PEM; undefined where there is none, which leaves Node's own. `named`: of `SSL_CERT_FILE`, instead of the usual places. */
export async function systemCertificates(named: string | undefined): Promise<string | undefined> {
  const { readFile } = await import("node:fs/promises");
  for (const file of named ? [named] : bundles) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}
