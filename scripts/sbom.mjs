// The bill of materials of a release, as CycloneDX 1.5: what is bundled, with versions, licences and hashes.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** Packages of npm that lie in a bundle, from its list of sources. */
function bundled() {
  const made = JSON.parse(readFileSync(join(root, "build/bundle.json"), "utf8"));
  const names = Object.values(made).flatMap(({ inputs }) =>
    inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []),
  );
  return [...new Set(names)].sort();
}

function component(name) {
  const { version, license, description } = JSON.parse(
    readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
  );
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    description,
    licenses: [{ license: { id: license } }],
    purl,
  };
}

/** What is in the launcher of a release, as the cross compiler brings it. */
function musl() {
  const { version } = /VERSION "(?<version>[^"]+)"/.exec(
    readFileSync(join(root, ".tools/zig/lib/libc/musl/src/internal/version.h"), "utf8"),
  ).groups;
  const purl = `pkg:generic/musl@${version}`;
  return { type: "library", "bom-ref": purl, name: "musl", version, licenses: [{ license: { id: "MIT" } }], purl };
}

/** Files of a folder with their hashes, as components. */
function files(folder) {
  const walk = (at) =>
    readdirSync(at).flatMap((name) =>
      statSync(join(at, name)).isDirectory() ? walk(join(at, name)) : [join(at, name)],
    );
  return walk(folder)
    .sort()
    .map((file) => ({
      type: "file",
      name: relative(folder, file),
      hashes: [{ alg: "SHA-256", content: createHash("sha256").update(readFileSync(file)).digest("hex") }],
    }));
}

/** An UUID that the contents decide, so that the same release has the same. */
function serial(components) {
  const hash = createHash("sha256").update(JSON.stringify(components)).digest("hex");
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `4${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}

/**
 * Writes the bill.
 * @param {{name: string, version: string, node?: string, folder?: string, output: string}} what node: version of the Node
 *   that is inside; folder: whose files are listed, without it the npm package's
 */
export function sbom({ name, version, node, folder, output }) {
  const components = [...bundled().map(component), musl()];
  // Its headers are there for those who compile.
  if (folder === undefined) components.push(component("node-api-headers"));
  if (node !== undefined) {
    const purl = `pkg:generic/node@${node}`;
    components.push({
      type: "application",
      "bom-ref": purl,
      name: "node",
      version: node,
      licenses: [{ license: { id: "MIT" } }],
      purl,
    });
  }
  if (folder !== undefined) components.push(...files(folder));
  const purl = `pkg:npm/containerpilot@${version}`;
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: serial([name, ...components]),
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": purl,
        name: "containerpilot",
        version,
        licenses: [{ license: { id: "MPL-2.0" } }],
        purl,
      },
    },
    components,
    dependencies: [{ ref: purl, dependsOn: components.flatMap((one) => one["bom-ref"] ?? []) }],
  };
  writeFileSync(output, `${JSON.stringify(bill, null, 2)}\n`);
}
