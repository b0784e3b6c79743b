#!/usr/bin/env node
// Bundles the program: one file, plus one file in chunks/ for every module behind a dynamic import. What an
// init has never to parse must not lie in its own file (V8 pre-parses all of it), hence no shared or common chunks.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The commit that `-version` names; a source tree without git has none. */
const gitHash = (() => {
  const asked = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" });
  return asked.status === 0 ? asked.stdout.trim() : "";
})();

/** Modules of packages that are never called here, each with what stands in for it and the importer it is cut out of. */
const stubs = [
  // The push gateway brings http and https, cluster metrics bring cluster, the CPU metric an API of 22 KB.
  { filter: /\/pushgateway$/, from: /\/prom-client\//, text: "module.exports = class Pushgateway {};" },
  { filter: /\/cluster$/, from: /\/prom-client\//, text: "module.exports = class AggregatorRegistry {};" },
  { filter: /^@opentelemetry\/api$/, from: /\/prom-client\//, text: "module.exports = {};" },
  // Its default metrics sample the event loop a hundred times a second; unused, they still bring perf_hooks and v8.
  { filter: /\/defaultMetrics$/, from: /\/prom-client\//, text: "module.exports = () => undefined;" },
  // papi and consul require https whatever the scheme, 10 ms; with this they load it when they first use it.
  {
    filter: /^https$/,
    from: /\/(papi|consul)\//,
    text: 'module.exports = new Proxy({}, { get: (_, key) => require("node:https")[key] });',
  },
];

/** @returns {import("esbuild").Plugin} */
const stubbed = {
  name: "stubs",
  setup({ onResolve, onLoad }) {
    for (const [index, { filter, from }] of stubs.entries()) {
      onResolve({ filter }, ({ importer }) =>
        from.test(importer) ? { path: String(index), namespace: "stub" } : undefined,
      );
    }
    onLoad({ filter: /./, namespace: "stub" }, ({ path }) => ({
      contents: stubs[Number(path)].text,
      resolveDir: root,
    }));
  },
};

/** Packages that several bundles need, and none before the application runs: one chunk for all, however it is imported. */
const shared = ["commander"];

/** `src/catalog/consul.ts` → `catalog-consul`; a package → its name. */
function chunkName(file, src) {
  const inside = relative(src, file);
  const name = inside.startsWith("..") ? relative(root, file).replace(/^.*node_modules\//, "") : inside;
  return name.replace(/\.[a-z]+$/, "").replace(/[^A-Za-z0-9]+/g, "-");
}

/**
 * Turns each dynamic import into a require of a chunk's file, and tells `found` what has to become a chunk.
 * @returns {import("esbuild").Plugin}
 */
function chunked(src, folder, found) {
  return {
    name: "chunks",
    setup({ onResolve, resolve: resolvePath }) {
      onResolve({ filter: /./ }, async (request) => {
        const apart = request.kind === "dynamic-import" || shared.includes(request.path);
        if (!apart || request.pluginData?.resolving || isBuiltin(request.path)) return undefined;
        const { path, errors } = await resolvePath(request.path, {
          kind: "dynamic-import",
          importer: request.importer,
          resolveDir: request.resolveDir,
          pluginData: { resolving: true },
        });
        if (errors.length > 0) return { errors };
        found(path);
        return { path: `${folder}${chunkName(path, src)}.cjs`, external: true };
      });
    },
  };
}

/** Why a bundle must not be: it holds a module that it also loads as a chunk, so there are two of it. */
function twice(output, chunks) {
  const inside = Object.keys(output.inputs).map((name) => resolve(root, name));
  return chunks.filter((chunk) => inside.includes(chunk)).map((chunk) => relative(root, chunk));
}

/**
 * Bundles entries and, from there on, all their chunks.
 * @param {{entries: Record<string, string>, src: string, outdir: string}} what entries: file name without `.cjs` → source
 * @returns {Promise<Record<string, {bytes: number, external: string[], chunks: string[], inputs: string[]}>>} by file name
 */
export async function bundle({ entries, src, outdir }) {
  const made = {};
  /** Written when all of it is right: an installation is of one build. */
  const texts = new Map();
  /** Sources by the chunk they became. */
  const started = new Map();
  const one = async (source, name, folder) => {
    const chunks = new Set();
    const result = await build({
      entryPoints: [source],
      outfile: join(outdir, `${name}.cjs`),
      absWorkingDir: root,
      bundle: true,
      write: false,
      format: "cjs",
      platform: "node",
      target: "node20",
      minify: true,
      legalComments: "none",
      metafile: true,
      logLevel: "silent",
      // A real import() would start Node's ESM loader; require does not.
      supported: { "dynamic-import": false },
      define: {
        "import.meta.dirname": "__dirname",
        "import.meta.filename": "__filename",
        VERSION: JSON.stringify(version),
        GIT_HASH: JSON.stringify(gitHash),
      },
      loader: { ".node": "empty" },
      plugins: [stubbed, chunked(src, folder, (path) => chunks.add(path))],
    });
    const output = Object.values(result.metafile.outputs)[0];
    const doubled = twice(output, [...chunks]);
    if (doubled.length > 0) {
      throw new Error(`${name}.cjs imports ${doubled.join(", ")} both statically and dynamically: choose one`);
    }
    texts.set(`${name}.cjs`, result.outputFiles[0].contents);
    made[`${name}.cjs`] = {
      bytes: output.bytes,
      external: [
        ...new Set(
          output.imports
            .filter(({ path, kind }) => isBuiltin(path) && kind !== "dynamic-import")
            .map(({ path }) => path),
        ),
      ].sort(),
      chunks: [...chunks].map((path) => `chunks/${chunkName(path, src)}.cjs`).sort(),
      inputs: Object.keys(output.inputs).sort(),
    };
    const fresh = [];
    for (const path of chunks) {
      const chunk = chunkName(path, src);
      const other = started.get(chunk);
      if (other === undefined) fresh.push(path);
      else if (other !== path) throw new Error(`${path} and ${other} would both become chunks/${chunk}.cjs`);
      started.set(chunk, path);
    }
    await Promise.all(fresh.map((path) => one(path, `chunks/${chunkName(path, src)}`, "./")));
  };
  await Promise.all(Object.entries(entries).map(([name, source]) => one(source, name, "./chunks/")));
  mkdirSync(join(outdir, "chunks"), { recursive: true });
  for (const [file, contents] of texts) {
    writeFileSync(join(outdir, `${file}.new`), contents);
    renameSync(join(outdir, `${file}.new`), join(outdir, file));
  }
  for (const left of readdirSync(join(outdir, "chunks"))) {
    if (!(`chunks/${left}` in made)) rmSync(join(outdir, "chunks", left));
  }
  return made;
}

/** musl's libc is in the launcher of a release; the headers of Node-API lie in dist/include. */
const others = [{ name: "musl", version: "1.2.4", license: "MIT", file: join(root, "native/LICENSE.musl") }];
const beside = ["node-api-headers"];

/** The licence of every package that is in a bundle, or lies beside it, which its terms want to go along. */
function licences(made) {
  const inside = Object.values(made).flatMap(({ inputs }) =>
    inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1]),
  );
  const packages = [...new Set([...inside, ...beside].filter((name) => name !== undefined))].sort().map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} is bundled and comes without a licence file`);
    return { name, version, license, file: join(folder, file) };
  });
  return [...packages, ...others].map(
    ({ name, version, license, file }) => `${name} ${version} (${license})\n\n${readFileSync(file, "utf8").trim()}\n`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const src = join(root, "src");
  const programs = ["containerpilot", "cpctl", "cached"];
  const entries = Object.fromEntries(programs.map((name) => [name, join(src, `bin/${name}.ts`)]));
  try {
    const made = await bundle({ entries, src, outdir: join(root, "dist") });
    writeFileSync(join(root, "dist/LICENSES.txt"), licences(made).join(`\n${"-".repeat(80)}\n\n`));
    mkdirSync(join(root, "build"), { recursive: true });
    writeFileSync(join(root, "build/bundle.json"), `${JSON.stringify(made, null, 1)}\n`);
    for (const name of Object.keys(made).sort()) process.stdout.write(`dist/${name} ${made[name].bytes} bytes\n`);
  } catch (error) {
    for (const { text, location } of error.errors ?? [{ text: error.message }]) {
      process.stderr.write(
        `${basename(process.argv[1])}: ${location ? `${location.file}:${location.line}: ` : ""}${text}\n`,
      );
    }
    process.exitCode = 1;
  }
}
