import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeContainers, run } from "../harness.ts";
import { bare, sh } from "./stage.ts";

describeContainers("flags", () => {
  it("-version prints the version, needs no configuration and wins over the rest", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8"));
    for (const flags of [["-version"], ["--version"], ["-template", "-version"]]) {
      const box = await run({ flags, words: ["echo", "app"] });
      expect(await box.exit).toEqual({ code: 0 });
      expect(box.stdout).toMatch(/^Version: \S+\nGitHash: \S+\n$/);
      expect(box.stdout).toContain(`Version: ${version}\n`);
    }
  });

  it.each(["-help", "--help", "-h"])("%s is 0, and names every flag", async (flag) => {
    const box = await run({ flags: [flag] });
    expect(await box.exit).toEqual({ code: 0 });
    for (const name of ["-config", "-template", "-out", "-version"]) expect(box.output).toContain(name);
  });

  it("the flag wins over the variable", async () => {
    const flags = ["-config", JSON.stringify({ ...bare, preStart: "echo from the flag" })];
    const box = await run({ flags, env: { CONTAINERPILOT: "not even JSON" }, words: ["true"] });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("from the flag");
  });

  it("what follows -- or the first word belongs to the application", async () => {
    const config = JSON.stringify(bare);
    const box = await run({ flags: [`--config=${config}`, "--"], words: ["echo", "-version", "--", "-config"] });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("-version -- -config\n");
  });

  it("a file:// of a relative path is read from the working directory", async () => {
    const box = await run({
      files: { "own.json": JSON.stringify(bare) },
      flags: ["-config", "file://own.json"],
      words: ["echo", "app"],
    });
    expect(await box.exit).toEqual({ code: 0 });
  });

  it("a bare path to a file of this dialect works, which the original took for JSON", async () => {
    const files = { "own.json": JSON.stringify({ ...bare, preStart: "echo preStart" }) };
    const box = await run({ files, flags: ["-config", "own.json"], words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toContain("preStart\napp\n");
  });

  it("an application's word that cannot be rendered leaves all as they are; one that renders to nothing stays", async () => {
    const config = JSON.stringify(bare);
    const bad = await run({ flags: ["-config", config], words: ["echo", "{{ .HOME }}", "{{ .BROKEN"] });
    expect(await bad.exit).toEqual({ code: 0 });
    expect(bad.stdout).toContain("{{ .HOME }} {{ .BROKEN\n");
    const empty = await run({ flags: ["-config", config], words: ["printf", "<%s>", "a", "{{ .NONE }}", "b"] });
    expect(await empty.exit).toEqual({ code: 0 });
    expect(empty.stdout).toContain("<a><><b>");
  });
});

describeContainers("-template", () => {
  const text = '{ "consul": "{{ .CONSUL | default "consul" }}:8500", "rest": is not JSON }';

  it("prints what the template gives, with nothing added and nothing checked", async () => {
    const box = await run({ config: text, flags: ["-template"], words: ["echo", "app"] });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.stdout).toBe('{ "consul": "consul:8500", "rest": is not JSON }');
    expect(box.stderr).toBe("");
  });

  it("-out writes a file of mode 0644, over what was there", async () => {
    const box = await run({
      config: text,
      files: {
        "out.json": "something that is longer than what will be written, to be sure that none of it stays behind",
      },
      flags: ["-template", "-out", "file://out.json"],
      env: { CONSUL: "other" },
    });
    expect(await box.exit).toEqual({ code: 0 });
    expect(box.output).toBe("");
    expect(readFileSync(join(box.folder, "out.json"), "utf8")).toBe('{ "consul": "other:8500", "rest": is not JSON }');
    const made = await run({ config: text, flags: ["-template", "-out", "file://made.json"] });
    expect(await made.exit).toEqual({ code: 0 });
    const mode = await run({ words: ["stat", "-c", "%a", join(made.folder, "made.json")], config: bare });
    await mode.exit;
    expect(mode.stdout).toContain("644\n");
  });

  it("a template that cannot be applied, and a file that cannot be written, are said and fail", async () => {
    const bad = await run({ config: '{ "consul": "{{ .A | nonsense }}" }', flags: ["-template"] });
    expect(await bad.exit).toEqual({ code: 78 });
    expect(bad.stderr).toMatch(/nonsense/);
    expect(bad.stdout).toBe("");
    const out = await run({ config: text, flags: ["-template", "-out", "file:///no/such/folder/file"] });
    expect(await out.exit).toEqual({ code: 73 });
    expect(out.stderr).toContain("/no/such/folder/file");
  });
});

describeContainers("a reload of inline text", () => {
  it("renders it anew with the variables of now", async () => {
    const text =
      '{ "directory": "catalog", "postStop": ["echo", "app was {{ .CONTAINERPILOT_APP_PID | default "unknown" }}"] }';
    const box = await run({ env: { CONTAINERPILOT: text }, words: sh("kill -HUP 1; sleep 1; exit 4") });
    expect(await box.exit).toEqual({ code: 4 });
    expect(box.stdout).toMatch(/^app was \d+$/m);
  });
});
