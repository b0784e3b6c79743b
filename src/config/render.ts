/** `-template`: a configuration rendered, and neither parsed nor checked. */
import { attemptRead, type LoadRequest, renderAttempt } from "./load.ts";
import { Problems } from "./problems.ts";
import { encodeBytes } from "./template/bytes.ts";

export type RenderResult =
  | { ok: true; bytes: Uint8Array }
  | { ok: false; exitCode: number; problems: readonly string[] };

/** The rendering, byte for byte as the original makes it, or the lines that say why there is none. */
export async function renderConfig(request: Pick<LoadRequest, "config" | "env">): Promise<RenderResult> {
  const problems = new Problems();
  const attempt = attemptRead(request, problems);
  if (!problems.refused && (await renderAttempt(attempt, request.env, problems))) {
    return { ok: true, bytes: encodeBytes(attempt.rendered) };
  }
  const { printLines } = await import("./print.ts");
  return { ok: false, exitCode: attempt.exitCode, problems: printLines(attempt, { level: "error" }) };
}
