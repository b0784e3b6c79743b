import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";

/** Where Kubernetes reads a container's last words; its default, and the place of a file that it mounts there. */
const PATH = "/dev/termination-log";
/** It shows no more bytes than these. */
const BYTES_MAX = 4096;

const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;

/**
 * Leaves the reason of the end for Kubernetes. Only where its file is there: none is made, and one that cannot be written
 * to, or is anything but a file, is left alone; what the application has written there itself stays before it. Never throws,
 * never blocks.
 */
export function writeTermination(text: string): void {
  try {
    const fd = openSync(PATH, FLAGS);
    try {
      if (fstatSync(fd).isFile()) writeSync(fd, Buffer.from(`${text}\n`).subarray(0, BYTES_MAX));
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not there, not ours to write, full: the log has it too.
  }
}
