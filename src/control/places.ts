/** Where the control socket is looked for, and goes, when its own place cannot be had (native/launcher_ask.c has the same). */
export const OTHER_FOLDERS: readonly string[] = ["/run", "/dev/shm", "/tmp"];

export const SOCKET_NAME = "containerpilot";

/** What children find the socket by. */
export const SOCKET_VARIABLE = "CONTAINERPILOT_SOCKET";

/** Where a container's socket may be, the likeliest first, before its configuration was read. */
export function likelyPlaces(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const told = env[SOCKET_VARIABLE];
  const places = ["/var/run", ...OTHER_FOLDERS].map((folder) => `${folder}/${SOCKET_NAME}.socket`);
  return told === undefined || told === "" ? places : [told, ...places];
}
