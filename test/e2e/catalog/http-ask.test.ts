import http, { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { type Asking, ask, askForLines } from "../../../src/catalog/http-ask.ts";
import { sharedLookup } from "../../../src/catalog/lookup.ts";
import { cleanUp } from "../harness/cleanup.ts";
import { until } from "./wait.ts";

/** A server that answers like this, and what asks it. */
async function asking(answer: (response: ServerResponse) => void): Promise<Asking & { open: () => number }> {
  let open = 0;
  const server = createServer((_, response) => answer(response));
  server.on("connection", (socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const agent = new http.Agent({ keepAlive: true });
  cleanUp(() => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { request: http.request, agent, url, method: "GET", timeoutMs: 300, open: () => open };
}

describe("an answer as a whole", () => {
  test("is given with its status and text", async () => {
    const how = await asking((response) => response.writeHead(418).end("short"));
    expect(await ask({ ...how, timeoutMs: 10_000 })).toMatchObject({ status: 418, text: "short" });
  });

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ["silence", () => {}, /^no answer within 300 ms$/],
    [
      "one byte at a time",
      (response) => void setInterval(() => response.write("x"), 50).unref(),
      /^no answer within 300 ms$/,
    ],
    [
      "an end in the middle",
      (response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.socket?.end());
      },
      /^the connection was closed in the middle of the answer$/,
    ],
    [
      "a reset in the middle",
      (response) => {
        response.writeHead(200, { "content-length": 100 });
        response.write("half", () => response.socket?.resetAndDestroy());
      },
      /^the connection was closed in the middle of the answer$/,
    ],
    ["a reset at once", (response) => void response.socket?.resetAndDestroy(), /ECONNRESET/],
    ["nobody any more", (response) => void response.socket?.destroy(), /^socket hang up$/],
  ])("%s rejects, and leaves no connection", async (_, answer, message) => {
    const how = await asking(answer);
    const timeoutMs = message.test("no answer within 300 ms") ? 300 : 10_000;
    await expect(ask({ ...how, timeoutMs })).rejects.toThrow(message);
    await until("no connection is left", how.open, (count) => count === 0);
  });

  test("more than an answer may have rejects", async () => {
    const how = await asking((response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", more);
      };
      more();
    });
    await expect(ask({ ...how, timeoutMs: 20_000 })).rejects.toThrow("the answer is larger than 33554432 bytes");
    await until("no connection is left", how.open, (count) => count === 0);
  });

  test("giving up rejects at once, also before it began", async () => {
    const how = await asking(() => {});
    const ends = new AbortController();
    const asked = ask({ ...how, timeoutMs: 60_000, signal: ends.signal });
    setTimeout(() => ends.abort(), 20);
    await expect(asked).rejects.toThrow("given up");
    await expect(ask({ ...how, timeoutMs: 60_000, signal: ends.signal })).rejects.toThrow("given up");
  });
});

describe("an answer in lines", () => {
  test("each line is given when it is whole; the deadline is for the beginning alone", async () => {
    let to: ServerResponse | undefined;
    const how = await asking((response) => {
      to = response.writeHead(200);
      response.flushHeaders();
    });
    const lines: string[] = [];
    const answer = await askForLines({ ...how, timeoutMs: 1_500 }, (line) => lines.push(line));
    expect(answer).toHaveProperty("ended");
    to?.write("one\ntw");
    await until(
      "the first line",
      () => lines.length,
      (count) => count === 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    to?.write("o\n\nthree");
    await until(
      "the second line",
      () => lines.length,
      (count) => count === 2,
    );
    to?.end();
    expect("ended" in answer && (await answer.ended)).toBeUndefined();
    expect(lines).toEqual(["one", "two"]);
  });

  test("a broken one says why it ended", async () => {
    const how = await asking((response) => {
      response.writeHead(200);
      response.write("one\n", () => response.socket?.resetAndDestroy());
    });
    const answer = await askForLines({ ...how, timeoutMs: 10_000 }, () => {});
    expect("ended" in answer && (await answer.ended)?.message).toBe(
      "the connection was closed in the middle of the answer",
    );
  });

  test("one that is refused is given whole", async () => {
    const how = await asking((response) => response.writeHead(404).end("no such thing"));
    expect(await askForLines({ ...how, timeoutMs: 10_000 }, () => {})).toMatchObject({
      status: 404,
      text: "no such thing",
    });
  });

  test("one that does not begin, or a line without an end, is given up", async () => {
    await expect(askForLines(await asking(() => {}), () => {})).rejects.toThrow("no answer within 300 ms");
    const endless = await asking((response) => {
      response.writeHead(200);
      response.write("x".repeat(1_200_000));
    });
    const answer = await askForLines({ ...endless, timeoutMs: 10_000 }, () => {});
    expect("ended" in answer && (await answer.ended)?.message).toBe("a line of the answer has no end");
    await until("no connection is left", endless.open, (count) => count === 0);
  });
});

describe("host names", () => {
  const find = (lookup: ReturnType<typeof sharedLookup>, host: string): Promise<unknown> =>
    new Promise((resolve) => lookup(host, { all: false }, (error, address) => resolve(error?.code ?? address)));

  test("are looked up once however many ask meanwhile, and anew afterwards", async () => {
    const lookup = sharedLookup();
    expect(await Promise.all([1, 2, 3].map(() => find(lookup, "localhost")))).toHaveLength(3);
    expect(await find(lookup, "localhost")).toMatch(/127\.0\.0\.1|::1/);
    expect(await find(lookup, "[::1]")).toBe("::1");
    expect(await find(lookup, "nowhere.invalid")).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });
});
