/**
 * Paths that a test can cut: one for the pages and the websocket (TCP), one for media
 * (UDP). They stand between browser and server and know nothing of what passes.
 */
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket as Stream } from "node:net";

/** A path for TCP. While cut, what is open hangs or breaks and nothing new gets through. */
export class TCPPath {
  port = 0;
  private readonly streams = new Set<Stream>();
  private isCut = false;
  private readonly server = createServer((client) => {
    if (this.isCut) return void client.destroy();
    const upstream = connect(this.target, "127.0.0.1");
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.streams.add(from);
      from.on("error", () => undefined); // the other side hears of it by the close
      from.on("close", () => {
        this.streams.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });

  private constructor(private readonly target: number) {}

  static async to(target: number): Promise<TCPPath> {
    const path = new TCPPath(target);
    path.server.listen(0, "127.0.0.1");
    await once(path.server, "listening");
    path.port = (path.server.address() as { port: number }).port;
    return path;
  }

  cut(): void {
    this.isCut = true;
    for (const stream of this.streams) stream.destroy();
  }

  restore(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

/** A path for UDP. It can be cut, and it can come to the server from another address. */
export class UDPPath {
  port = 0;
  private readonly upstreams = new Map<string, Datagrams>();
  private isCut = false;
  private readonly front = createSocket("udp4");

  private constructor(private readonly target: number) {
    this.front.on("message", (packet, { address, port }) => {
      if (this.isCut) return;
      const client = `${address}:${port}`;
      let upstream = this.upstreams.get(client);
      if (!upstream) {
        upstream = createSocket("udp4");
        upstream.on("message", (answer) => {
          if (!this.isCut && this.upstreams.get(client) === upstream) this.front.send(answer, port, address);
        });
        upstream.on("error", () => undefined);
        this.upstreams.set(client, upstream);
      }
      upstream.send(packet, this.target, "127.0.0.1");
    });
  }

  static async to(target: number): Promise<UDPPath> {
    const path = new UDPPath(target);
    path.front.bind(0, "127.0.0.1");
    await once(path.front, "listening");
    path.port = path.front.address().port;
    return path;
  }

  cut(): void {
    this.isCut = true;
  }

  restore(): void {
    this.isCut = false;
  }

  /** From now on every client seems to have moved: its packets come from a new port. */
  move(): void {
    for (const upstream of this.upstreams.values()) upstream.close();
    this.upstreams.clear();
  }

  close(): void {
    this.move();
    this.front.close();
  }
}

/** Runs in a page before its scripts: sends its media to another port of 127.0.0.1. */
export function divertMedia(port: number): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its own connection below
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (this: RTCPeerConnection, description: RTCSessionDescriptionInit): Promise<void> {
    let first = true;
    const lines = (description.sdp ?? "").split("\r\n").filter((line) => {
      if (!line.startsWith("a=candidate:")) return true;
      const kept = first;
      first = false;
      return kept;
    });
    const sdp = lines.map((line) => (line.startsWith("a=candidate:") ? `a=candidate:1 1 udp 2130706431 127.0.0.1 ${port} typ host` : line)).join("\r\n");
    return Reflect.apply(original, this, [{ type: description.type, sdp }]) as Promise<void>;
  };
}
