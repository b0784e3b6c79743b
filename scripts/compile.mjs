#!/usr/bin/env node
// Compiles addon and launcher for this machine into prebuilds/, where the package brings none that fits. Takes a C and C++
// compiler (CC, CXX) and the C library's headers, and downloads nothing.
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { compile, folderOf, libcOf } from "./native.mjs";

const root = resolve(import.meta.dirname, "..");
const folder = join(root, "prebuilds", folderOf(process.arch, libcOf(process.execPath)));
const work = mkdtempSync(join(tmpdir(), "containerpilot-"));
const words = (value) => value.split(" ").filter((word) => word !== "");
const compilers = { cc: words(process.env.CC || "cc"), cxx: words(process.env.CXX || "c++") };

try {
  mkdirSync(folder, { recursive: true });
  for (const [target, file] of [
    ["pilot", "pilot.node"],
    ["containerpilot", "containerpilot"],
  ]) {
    const output = join(folder, file);
    // A running program keeps its old file.
    await compile({ target, ...compilers, flags: [], output: `${output}.new`, work: join(work, target) });
    renameSync(`${output}.new`, output);
  }
  process.stdout.write(`${folder}\n`);
} catch (error) {
  process.stderr.write(
    `compile: ${error.message}\ncompile: this takes a C and a C++ compiler: g++ on Debian, g++ and linux-headers on Alpine\n`,
  );
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true });
}
