import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { root } from "../e2e/harness.ts";

/** What npm carries the schemas of CycloneDX in. */
const carrier = "@cyclonedx/cyclonedx-library@10.3.0";
const schemas = "package/res/schema";
const base = "http://cyclonedx.org/schema/";

/** The folder of the schemas, unpacked once into build/. */
function folder(): string {
  const there = join(root, "build/cyclonedx");
  if (!existsSync(join(there, schemas))) {
    mkdirSync(there, { recursive: true });
    const packed = execFileSync("npm", ["pack", "--silent", carrier], { cwd: there, encoding: "utf8" }).trim();
    execFileSync("tar", ["-xzf", packed, schemas], { cwd: there });
  }
  return join(there, schemas);
}

/** What in a bill of materials is not as CycloneDX 1.5 wants it, a line each; licences are compared with SPDX's list. */
export function billFaults(bill: unknown): string[] {
  const read = (name: string) => JSON.parse(readFileSync(join(folder(), name), "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"]) {
    // The schema refers to them by their files' names.
    ajv.addSchema({ ...read(name), $id: undefined }, base + name);
  }
  const validate = ajv.compile(read("bom-1.5.SNAPSHOT.schema.json"));
  validate(bill);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
