import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env["TARASUL_BIN"] ?? resolve(here, "../../../bin/tarasul");

/** A demonstration server of its own, with data that is thrown away. */
export interface Server {
  /** Where its pages are: http://localhost:PORT. */
  readonly url: string;
  readonly port: number;
  /** Where its media is, UDP and TCP. */
  readonly mediaPort: number;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

/** Starts one and resolves when it says that it is ready. */
export async function startServer(): Promise<Server> {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run "make build" first, or set TARASUL_BIN`);
  const data = await mkdtemp(join(tmpdir(), "tarasul-e2e-"));
  const [port, mediaPort, adminPort] = [await freePort(), await freePort(), await freePort()];
  const child: ChildProcess = spawn(
    binary,
    ["serve", "--demo", "--data", data, "--http", `localhost:${port}`, "--media", `0.0.0.0:${mediaPort}`, "--admin", `127.0.0.1:${adminPort}`],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, TARASUL_MEDIA_SHARDS: "1", TARASUL_LOG_LEVEL: process.env["TARASUL_LOG_LEVEL"] ?? "warn" } },
  );
  const said: string[] = [];
  const ready = new Promise<void>((resolved, rejected) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        if (line.startsWith("Ready at ")) resolved();
        else if (process.env["TARASUL_LOG_LEVEL"]) console.log(line);
      });
    }
    child.once("exit", (code) => rejected(new Error(`the server ended (${code}):\n${said.join("\n")}`)));
  });
  await ready;
  return {
    url: `http://localhost:${port}`,
    port,
    mediaPort,
    async stop() {
      if (child.exitCode === null) {
        const ended = once(child, "exit");
        child.kill("SIGTERM");
        await ended;
      }
      await rm(data, { recursive: true, force: true });
    },
  };
}
