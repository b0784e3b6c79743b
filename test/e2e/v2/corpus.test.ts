/**
 * Configurations of real images, with stub programs for theirs, as PID 1 with a real Consul. The files are not part of this
 * repository: CONTAINERPILOT_CORPUS names their folder.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { consulAgent, describeContainers, root, run } from "../harness.ts";
import { app, passing, soon } from "./stage.ts";

const corpus = process.env.CONTAINERPILOT_CORPUS ?? join(root, "../shared/corpus");
const missing = existsSync(join(corpus, "expected.json")) ? undefined : `no corpus in ${corpus}`;

/** Notes how it was called; stays where a server would, else succeeds with what a sensor may say. */
const STUB = `#!/bin/sh
echo "$(basename "$0") $*" >> calls
case "$1" in agent | watch | server | arg1) exec sleep 1000 ;; esac
echo 1
`;

interface Case {
  file: string;
  id: string;
  /** Where they are written; /bin is a link to /usr/bin. */
  programs: string[];
  /** Services that must be there. */
  services: string[];
  /** Calls that must have happened by then. */
  calls: RegExp[];
}

const CASES: Case[] = [
  {
    file: "autopilotpattern__nginx__examples__containerpilot.json",
    id: "full",
    programs: ["generate-config", "health-check", "acme", "reload", "sensor", "consul", "curl"].map(
      (name) => `/usr/bin/${name}`,
    ),
    services: ["nginx", "nginx-public", "nginx-ssl", "nginx-public-ssl", "containerpilot"],
    calls: [
      /^generate-config $/m,
      /^health-check http$/m,
      /^consul agent -data-dir/m,
      /^acme watch$/m,
      /^sensor unhandled$/m,
    ],
  },
  {
    file: "autopilotpattern__mysql__etc__containerpilot.json",
    id: "full",
    programs: ["/usr/bin/python", "/usr/local/bin/consul"],
    services: ["shop"],
    calls: [
      /^python \/usr\/local\/bin\/manage\.py$/m,
      /^python \/usr\/local\/bin\/manage\.py health$/m,
      /^consul agent/m,
    ],
  },
  {
    file: "autopilotpattern__memcached__etc__containerpilot.json",
    id: "full",
    programs: ["/usr/bin/nc", "/usr/local/bin/consul", "/usr/local/bin/sensor.sh"],
    services: ["memcached", "containerpilot"],
    calls: [/^nc -vz localhost 11211$/m, /^sensor\.sh evictions$/m],
  },
  {
    file: "autopilotpattern__vault__etc__containerpilot.json",
    id: "full",
    programs: ["/usr/local/bin/vault-manage", "/usr/bin/vault"],
    services: ["vault"],
    calls: [/^vault-manage preStart$/m, /^vault-manage health$/m, /^vault server -config \/etc\/vault\.hcl$/m],
  },
  {
    file: "CampusLabs__docker-cerebro__etc__containerpilot.json",
    id: "full",
    programs: ["/code/bin/pre-start", "/usr/bin/curl"],
    services: ["cerebro"],
    calls: [/^pre-start $/m, /^curl -fso \/dev\/null localhost:9000$/m],
  },
  {
    file: "TritonDataCenter__containerpilot__integration_tests__tests__test_coprocess__containerpilot.json",
    id: "plain",
    programs: ["/usr/bin/curl", "/usr/bin/coprocess.sh"],
    services: ["app"],
    calls: [/^coprocess\.sh arg1$/m],
  },
];

const title = `configurations of real images${missing === undefined ? "" : ` (skipped: ${missing})`}`;
describeContainers(title, () => {
  it.skipIf(missing !== undefined).each(CASES)("$file ($id) starts, registers, and stops", async (one) => {
    const { files } = JSON.parse(readFileSync(join(corpus, "expected.json"), "utf8"));
    const { sha256, cases } = files[`v2/${one.file}`];
    const text = readFileSync(join(corpus, "v2", one.file), "utf8");
    expect(createHash("sha256").update(text).digest("hex")).toBe(sha256);
    const { env } = cases.find(({ id }: { id: string }) => id === one.id);

    const consul = await consulAgent();
    // What the files' default interfaces are.
    for (const words of [
      "link add eth0 type veth peer name eth1",
      "addr add 10.20.30.40/24 dev eth0",
      "link set eth0 up",
      "link set eth1 up",
    ]) {
      expect(await consul.program.inside("ip", ...words.split(" "))).toMatchObject({ code: 0, stderr: "" });
    }
    const box = await run({
      config: text,
      env,
      files: {
        ...Object.fromEntries(one.programs.map((path) => [path, STUB])),
        "/etc/hosts": "127.0.0.1 localhost consul vault\n",
        calls: "",
      },
      hostname: "box",
      net: consul.net,
      words: app,
      timeoutMs: 30_000,
    });
    for (const name of one.services) {
      await soon(async () =>
        expect((await passing(consul, name)).map(({ Service }) => Service.ID)).toEqual([`${name}-box`]),
      );
    }
    const calls = () => readFileSync(join(box.folder, "calls"), "utf8");
    for (const call of one.calls) await soon(() => expect(calls()).toMatch(call));
    expect(box.output).toContain("ready\n");
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).not.toMatch(/ error|failed/i);
    for (const name of one.services) expect(await passing(consul, name)).toEqual([]);
  });
});
