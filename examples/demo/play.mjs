// Plays the demo: starts containers on this machine, changes things, and says what was seen. Leaves with 0 when all of it
// was as it should be, else with 1 and what was missed.
import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const waitMs = 15_000;
const folder = mkdtempSync(join(tmpdir(), "containerpilot-demo-"));
const catalog = join(folder, "catalog");
const served = join(folder, "served");
const image = join(folder, "image");
const started = performance.now();
const running = new Set();
/** When each entry was first seen in the catalog's directory, by file name. */
const registered = new Map();

const now = () => performance.now() - started;

function say(who, text) {
  process.stdout.write(`${(now() / 1000).toFixed(3).padStart(7)}  ${who.padEnd(6)} ${text}\n`);
}

const step = (text) => {
  process.stdout.write("\n");
  say("DEMO", text);
};

/** What every container's root holds on top of this machine's: the program, the demo, the configurations. */
function makeImage() {
  cpSync(join(root, "dist"), join(image, "opt/containerpilot"), { recursive: true });
  cpSync(import.meta.dirname, join(image, "opt/demo"), { recursive: true });
  for (const shared of [catalog, served]) mkdirSync(shared);
  chmodSync(folder, 0o755);
  watch(catalog, (_, name) => {
    if (name === null || registered.has(name) || name.startsWith(".")) return;
    if (readdirSync(catalog).includes(name)) registered.set(name, now());
  });
}

/** A container: a process tree with containerpilot as PID 1. */
class Container {
  constructor(name, options, argv, env) {
    this.name = name;
    this.text = "";
    this.waiting = [];
    this.startedAt = now();
    const runner = [
      ...["--pidfile", "fd:3", "--hostname", name, "--files", image],
      ...["--bind", `${catalog}:/run/containerpilot/catalog`, "--bind", `${served}:/srv/front`, ...options],
    ];
    const child = spawn(join(root, "build/tools/container"), [...runner, "--", ...argv], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    running.add(this);
    this.pid = new Promise((settle, refuse) => {
      child.stdio[3].once("data", (line) => settle(Number(/\d+/.exec(line)[0])));
      child.once("close", (code) => refuse(new Error(`${name} did not start (${code})`)));
    });
    this.exit = new Promise((settle) => {
      child.once("close", (code) => {
        running.delete(this);
        say(name, `has ended with exit code ${code}`);
        this.look();
        settle(code);
      });
    });
    for (const stream of [child.stdout, child.stderr]) this.print(stream);
  }

  print(stream) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (part) => {
      const lines = (rest + part).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        say(this.name, `| ${line}`);
        this.text += `${line}\n`;
      }
      this.look();
    });
  }

  look() {
    this.waiting = this.waiting.filter((tried) => !tried());
  }

  /** When a line that matches was seen, looking only at what follows the last one that was waited for. */
  saw(pattern) {
    return within(
      `${this.name} to say ${pattern}`,
      new Promise((settle, refuse) => {
        this.waiting.push(() => {
          const match = pattern.exec(this.text);
          if (match === null && !running.has(this)) refuse(new Error(`${this.name} ended without saying ${pattern}`));
          if (match === null) return false;
          this.text = this.text.slice(match.index + match[0].length);
          settle(now());
          return true;
        });
        this.look();
      }),
    );
  }

  async signal(name) {
    process.kill(await this.pid, name);
  }
}

function within(what, promise) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`waited ${waitMs / 1000} s for ${what}`)), waitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function web(name, port, network) {
  const argv = ["-config", "file:///opt/demo/web.json", "node", "/opt/demo/web.mjs"];
  return new Container(name, network, ["/opt/containerpilot/containerpilot", ...argv], { PORT: String(port) });
}

/** One request to the front, which listens on a socket in a folder shared with this side. */
function ask() {
  return new Promise((settle, refuse) => {
    const sent = request({ socketPath: join(served, "socket"), path: "/", agent: false }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (part) => {
        body += part;
      });
      answer.on("end", () => settle(answer.statusCode === 200 ? body.trim() : String(answer.statusCode)));
    });
    sent.on("error", refuse).end();
  });
}

async function askMany(count, expected) {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await ask());
  const who = [...new Set(answers)].sort();
  say("DEMO", `${count} requests to the front were answered by ${who.join(", ")}`);
  if (who.join() !== expected.join()) throw new Error(`expected answers by ${expected.join(", ")}`);
}

/** The application of a container: the child of its PID 1 that runs web.mjs. */
async function applicationOf(container) {
  const parent = await container.pid;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (status.includes(`\nPPid:\t${parent}\n`) && command.includes("/opt/demo/web.mjs")) return Number(pid);
    } catch {
      // Ended since it was listed.
    }
  }
  throw new Error(`${container.name} has no application`);
}

async function ended(container, code) {
  const was = await within(`${container.name} to end`, container.exit);
  if (was !== code) throw new Error(`${container.name} left with ${was}, expected ${code}`);
}

const ms = (from, to) => `${Math.round(to - from)} ms`;

async function play() {
  makeImage();
  step("a front, and no instance of the web app yet");
  const front = new Container(
    "front",
    ["--net"],
    ["/opt/containerpilot/containerpilot", "-config", "file:///opt/demo/front.json", "node", "/opt/demo/front.mjs"],
    {},
  );
  const network = ["--netns", `/proc/${await front.pid}/ns/net`];
  await front.saw(/^upstreams: none$/m);

  step("two instances start, register themselves, and the front renders its configuration anew");
  const one = web("web-1", 8001, network);
  const two = web("web-2", 8002, network);
  await front.saw(/^upstreams: web-web-1 web-web-2$/m);
  await askMany(6, ["web-1", "web-2"]);

  step("scale up: a third instance");
  const three = web("web-3", 8003, network);
  const seen = await front.saw(/^upstreams: web-web-1 web-web-2 web-web-3$/m);
  const entered = registered.get("web-web-3.json") ?? seen;
  say(
    "DEMO",
    `the front uses web-3 ${ms(entered, seen)} after it was registered, ${ms(three.startedAt, seen)} after its start`,
  );
  await askMany(6, ["web-1", "web-2", "web-3"]);

  step("the application of web-1 is killed: its container ends and tells how");
  const killed = now();
  process.kill(await applicationOf(one), "SIGKILL");
  say("DEMO", `the front left web-1 out after ${ms(killed, await front.saw(/^upstreams: web-web-2 web-web-3$/m))}`);
  await ended(one, 137);
  await askMany(6, ["web-2", "web-3"]);

  step("web-2 is killed whole, PID 1 and all: nobody is left to say so, its entry runs out");
  const lost = now();
  await two.signal("SIGKILL");
  say("DEMO", `the front left web-2 out after ${ms(lost, await front.saw(/^upstreams: web-web-3$/m))} (ttl 3 s)`);
  await ended(two, 137);
  await askMany(3, ["web-3"]);

  step("web-3 is stopped as `docker stop` would: out of the catalog first, then the application");
  const asked = now();
  await three.signal("SIGTERM");
  say("DEMO", `the front left web-3 out after ${ms(asked, await front.saw(/^upstreams: none$/m))}`);
  await ended(three, 0);

  step("the front is stopped");
  await front.signal("SIGTERM");
  await ended(front, 0);
}

try {
  await play();
  step("all of it was as it should be");
} catch (error) {
  step(`FAILED: ${error.message}`);
  process.exitCode = 1;
}
for (const left of running) left.pid.then((pid) => process.kill(pid, "SIGKILL")).catch(() => undefined);
await Promise.all([...running].map(({ exit }) => exit));
rmSync(folder, { recursive: true });
process.exit();
