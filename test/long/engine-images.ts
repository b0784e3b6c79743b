import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PATH, root, tempFolder, writeFiles } from "../e2e/harness.ts";
import type { Engine } from "./engine.ts";

const buildMs = 1_200_000;

/** The configuration of every image here: hooks that can be seen, our own lines apart from the application's. */
export const config = {
  logging: { output: "stderr" },
  stopTimeout: 1,
  preStart: ["echo", "preStart ran"],
  postStop: ["echo", "postStop ran"],
};

/** `my-application` of the documentation's examples. */
const application = `#!/bin/sh
echo "my-application $*"
trap 'echo "got USR2"' USR2
trap 'echo "got TERM"; exit 3' TERM
while :; do sleep 0.1; done
`;

/** The Dockerfiles that docs/install.md shows below a heading, in their order. */
function shown(heading: string): string[] {
  const page = readFileSync(join(root, "docs/install.md"), "utf8");
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  const found = [...(section ?? "").matchAll(/^```dockerfile\n(.*?)^```/gms)].map(([, text]) => text ?? "");
  if (found.length === 0) throw new Error(`docs/install.md shows no Dockerfile below "${heading}"`);
  return found;
}

/** nginx's image, as far as the example needs it, from the distribution's package. */
const nginxBase = `FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light
STOPSIGNAL SIGQUIT
`;

/** PostgreSQL's, likewise: its entrypoint makes a database and gives up root. */
const postgresBase = `FROM debian:bookworm-slim
RUN mkdir -p /etc/postgresql-common \\
  && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf \\
  && apt-get update && apt-get install -y --no-install-recommends postgresql-15
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV PGDATA=/var/lib/postgresql/data
COPY --chmod=755 docker-entrypoint.sh /usr/local/bin/
STOPSIGNAL SIGINT
`;
const postgresEntrypoint = `#!/bin/sh
set -e
install -d -o postgres -g postgres -m 700 "$PGDATA" /var/run/postgresql
as_postgres="setpriv --reuid=postgres --regid=postgres --init-groups"
[ -e "$PGDATA/PG_VERSION" ] || $as_postgres initdb --auth=trust >/dev/null
exec $as_postgres "$@"
`;

async function build(engine: Engine, tag: string, folder: string, words: readonly string[] = []): Promise<void> {
  const done = await engine.client(
    ["build", "--network", "host", "--progress", "plain", "--tag", tag, ...words, folder],
    { timeoutMs: buildMs, env: { DOCKER_BUILDKIT: "1" } },
  );
  if (done.code !== 0)
    throw new Error(`${tag} does not build:\n${done.stdout.slice(-3000)}${done.stderr.slice(-3000)}`);
}

/** Builds a Dockerfile of the documentation, unchanged, in a folder with what it copies. */
async function buildShown(engine: Engine, tag: string, dockerfile: string | undefined): Promise<void> {
  if (dockerfile === undefined) throw new Error(`docs/install.md shows no Dockerfile for ${tag}`);
  const folder = tempFolder();
  writeFiles(folder, {
    Dockerfile: dockerfile,
    "containerpilot.json": JSON.stringify(config),
    "my-application": application,
  });
  await build(engine, tag, folder);
}

/** `debian:bookworm-slim` and `node:22-bookworm-slim`, from packages. */
export function buildBases(engine: Engine): void {
  execFileSync(join(root, "test/long/engine-bases"), {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PATH, DOCKER: "/usr/bin/docker", DOCKER_HOST: `unix://${engine.socket}` },
    timeout: buildMs,
  });
}

/**
 * All images, from the bases to those of the documentation's users:
 * - `containerpilot:debian`: our Dockerfile's target
 * - `user:debian`, `user:node`: as docs/install.md shows them for Debian, and for an image that has Node
 * - `user:v2`: as docs/install.md shows it for an image that had ContainerPilot 2
 * - `containerpilot:archive`, and with it `example:nginx`, `example:postgres` and `example:node` of examples/images, for Debian
 *
 * Needs an engine that reaches the package registries. What is there already is taken from its cache.
 */
export async function buildImages(engine: Engine): Promise<void> {
  buildBases(engine);
  await build(engine, "containerpilot:debian", root, ["--target", "debian"]);
  const [debian, node] = shown("Debian and Ubuntu");
  await buildShown(engine, "user:debian", debian);
  await buildShown(engine, "user:node", node);
  await buildShown(engine, "user:v2", shown("Replacing ContainerPilot 2")[0]);
  await build(engine, "containerpilot:archive", root, ["--target", "archive"]);
  for (const [tag, files] of Object.entries({
    "nginx:bookworm": { Dockerfile: nginxBase },
    "postgres:bookworm": { Dockerfile: postgresBase, "docker-entrypoint.sh": postgresEntrypoint },
  })) {
    const base = tempFolder();
    writeFiles(base, files);
    await build(engine, tag, base);
  }
  for (const name of ["nginx", "postgres", "node"]) {
    const examples = join(root, "examples/images");
    await build(engine, `example:${name}`, examples, ["--file", join(examples, `${name}-debian.Dockerfile`)]);
  }
}
