import { expect, it } from "vitest";
import { describeContainers, fixture, run } from "../harness.ts";
import { app, bare, catalogOf, sh, soon, times, web } from "./stage.ts";

/** The config with one child of each kind whose lines are logged, each of them running the script. */
const kinds = (script: string, more: object = {}) => ({
  ...bare,
  services: [{ ...web, health: sh(script) }],
  tasks: [{ name: "chore", command: sh(script), frequency: "400ms", timeout: "10s" }],
  coprocesses: [{ name: "agent", command: sh(script), restarts: "unlimited" }],
  backends: [{ name: "web", poll: 1, onChange: sh(script) }],
  ...more,
});

/** The JSON objects that the container logged on a stream. */
const objects = (text: string): Record<string, string>[] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

describeContainers("lines of children", () => {
  it("have their fields in JSON, on stderr when it is chosen, while the application's go straight through", async () => {
    const box = await run({
      config: kinds("echo 'out <&>'; echo err >&2; sleep 0.3", {
        logging: { level: "info", format: "JSON", output: "STDERR" },
        preStart: "echo raw preStart",
      }),
      hostname: "box",
      words: app,
    });
    const expected = [
      { process: "health", serviceName: "web", serviceID: "web-box" },
      { process: "task", task: "chore" },
      { process: "coprocess", coprocess: "agent" },
      { process: "onChange", backend: "web" },
    ];
    for (const fields of expected) {
      for (const msg of ["out <&>", "err"]) {
        const like = {
          ...fields,
          msg,
          level: "info",
          time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-])/),
        };
        await soon(() => expect(objects(box.stderr)).toContainEqual(like));
      }
    }
    expect(box.stderr).toContain('"msg":"out \\u003c\\u0026\\u003e"');
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.stdout).toBe("raw preStart\nready\ngot TERM\n");
  });

  it("have their fields in text, sorted, quoted where they must be", async () => {
    const box = await run({
      config: kinds("echo 'a b'; echo plain.word", { logging: { format: "text" } }),
      hostname: "box",
      words: app,
    });
    const time = 'time="[0-9TZ:+-]+" level=info';
    await box.waitFor(new RegExp(`^${time} msg="a b" process=health serviceID=web-box serviceName=web $`, "m"));
    await box.waitFor(new RegExp(`^${time} msg=plain.word process=task task=chore $`, "m"));
    await box.waitFor(new RegExp(`^${time} msg="a b" coprocess=agent process=coprocess $`, "m"));
    await box.waitFor(new RegExp(`^${time} msg=plain.word backend=web process=onChange $`, "m"));
    await box.kill();
  });

  it("have no field and no level in the default format", async () => {
    const box = await run({ config: kinds("echo a line"), words: app });
    await box.waitFor(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d a line$/m);
    await box.kill();
    expect(box.stdout).not.toMatch(/level=|process=/);
  });

  it("vanish at WARN, with the other lines of INFO; warnings stay", async () => {
    const box = await run({
      config: kinds("echo hidden; echo hidden >&2; [ -e slow ] && sleep 5", {
        logging: { level: "warn" },
        preStart: "touch slow",
        tasks: [{ name: "chore", command: "sleep 5", frequency: "200ms" }],
      }),
      words: app,
    });
    await box.waitFor(/task\[chore\] timeout after 200ms: '\[5\]'\n[^\n]*killing command for task\[chore\]/);
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).not.toMatch(/hidden|Service registered|Deregistering|exit status/);
  });

  it.each(["nothing", "text", "json"])(
    "format %s: lines of the application and of hooks are never changed",
    async (format) => {
      const logging = format === "nothing" ? {} : { format, level: "fatal" };
      const box = await run({
        config: { ...bare, logging, preStart: "echo preStart", postStop: "echo postStop" },
        words: sh("echo out; echo err >&2"),
      });
      expect(await box.exit).toEqual({ code: 0 });
      expect(box.stdout.split("\n").filter((line) => !line.includes("sh stands"))).toEqual([
        "preStart",
        "out",
        "postStop",
        "",
      ]);
      expect(box.stderr).toBe("err\n");
    },
  );
});

describeContainers("awkward output", () => {
  it("a last line without an end is logged", async () => {
    const box = await run({ config: kinds("printf 'first\\nlast of %s' all"), words: app });
    await soon(() => expect(times(box, / last of all$/gm)).toBeGreaterThanOrEqual(4));
    await soon(() => expect(Object.keys(catalogOf(box))).toHaveLength(1));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("a line of 1 MB comes in parts, whole, and fails no check", async () => {
    const box = await run({
      config: {
        ...bare,
        services: [{ ...web, health: sh("head -c 1048576 /dev/zero | tr '\\0' h; echo") }],
        tasks: [{ command: sh("head -c 1048576 /dev/zero | tr '\\0' t; echo"), frequency: "1h" }],
        coprocesses: [{ command: sh("head -c 1048576 /dev/zero | tr '\\0' c; echo; echo co-end"), restarts: 0 }],
      },
      words: app,
    });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/co-end/);
    await soon(() => {
      expect((box.stdout.match(/[ch]{64,}/g) ?? []).join("").match(/c/g)).toHaveLength(1_048_576);
      expect((box.stdout.match(/h{64,}/g) ?? []).join("").length).toBeGreaterThanOrEqual(1_048_576);
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
    expect(box.output).not.toMatch(/token too long|health failed/);
  });

  it("bytes that are no text are logged, and JSON stays JSON", async () => {
    const script = "printf 'a\\000b\\377\\376c\\033[1m\\r\\n'; echo then";
    const box = await run({ config: kinds(script, { logging: { format: "json" } }), words: app });
    await soon(() => {
      const lines = objects(box.stdout);
      for (const process of ["health", "task", "coprocess", "onChange"]) {
        const said = lines.filter((line) => line.process === process).map(({ msg }) => msg);
        expect(said, process).toContain("then");
        expect(
          said.some((msg) => msg?.startsWith("a\0b") && msg.includes("c\u001b[1m")),
          process,
        ).toBe(true);
      }
    });
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("a child that closes its output runs on, and its end counts", async () => {
    const box = await run({
      config: {
        ...bare,
        services: [{ ...web, health: sh("exec >&- 2>&-; exit 0") }],
        tasks: [{ name: "chore", command: sh("exec >&- 2>&-; exit 5"), frequency: "300ms" }],
        coprocesses: [{ name: "agent", command: sh("exec >&- 2>&-; sleep 0.2; exit 4"), restarts: 1 }],
        backends: [{ name: "web", poll: 1, onChange: sh("exec >&- 2>&-; exit 6") }],
      },
      words: app,
    });
    await box.waitFor(/Service registered: web/);
    await box.waitFor(/task\[chore\] failed: exit status 5/);
    await box.waitFor(/web\.onChange failed: exit status 6/);
    await soon(() => expect(times(box, /coprocess\[agent\] exited \(4\): exit status 4/g)).toBe(2));
    box.signal("SIGTERM");
    expect(await box.exit).toEqual({ code: 3 });
  });

  it("a grandchild that holds the output delays neither the next run nor the stop, and its lines are logged", async () => {
    const holds = [fixture("holds-output"), "2500"];
    const box = await run({
      config: {
        ...bare,
        services: [{ ...web, health: holds }],
        tasks: [{ name: "chore", command: holds, frequency: "400ms" }],
        coprocesses: [{ name: "agent", command: holds, restarts: 2 }],
        backends: [{ name: "web", poll: 1, onChange: holds }],
      },
      words: app,
    });
    const begun = Date.now();
    await box.waitFor(/Service registered: web/);
    // health, onChange, the task's first three and all three runs of the coprocess, while the first still holds its pipe.
    await soon(() => expect(times(box, / leaving$/gm)).toBeGreaterThanOrEqual(8));
    expect(times(box, / late line$/gm)).toBe(0);
    expect(Date.now() - begun).toBeLessThan(2500);
    expect(box.output).not.toMatch(/timeout after/);
    // At least what task and onChange left behind says it; what a check leaves behind is ended with it.
    await soon(() => expect(times(box, / late line$/gm)).toBeGreaterThanOrEqual(2));
    box.signal("SIGTERM");
    const asked = Date.now();
    expect(await box.exit).toEqual({ code: 3 });
    expect(Date.now() - asked).toBeLessThan(2000);
  });

  it("a storm of lines loses none, in order", async () => {
    const count = 20_000;
    const box = await run({
      config: { ...bare, coprocesses: [{ command: ["seq", "-f", "line %.0f", String(count)] }] },
      words: app,
    });
    await box.waitFor(new RegExp(` line ${count}\\n`));
    const numbers = [...box.stdout.matchAll(/ line (\d+)$/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    await box.kill();
  });
});
