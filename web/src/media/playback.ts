/**
 * Plays the voices. Each audio slot has one hidden `<audio>` for the life of its track,
 * whoever is heard in it. If the browser refuses to play before a click, `blocked` says
 * so, and the page offers one.
 */
import { signal } from "@preact/signals";

export class Playback {
  readonly blocked = signal(false);
  private readonly elements = new Map<MediaStreamTrack, HTMLAudioElement>();
  private sink = "";

  /** Plays exactly these tracks. */
  play(tracks: readonly MediaStreamTrack[]): void {
    for (const [track, element] of this.elements) {
      if (tracks.includes(track)) continue;
      element.srcObject = null;
      element.remove();
      this.elements.delete(track);
    }
    for (const track of tracks) {
      if (this.elements.has(track)) continue;
      const element = document.createElement("audio");
      element.hidden = true;
      element.autoplay = true;
      element.srcObject = new MediaStream([track]);
      this.elements.set(track, element);
      document.body.append(element);
      this.route(element);
      this.start(element);
    }
  }

  /** Tries again; call it from a click. */
  readonly resume = (): void => {
    this.blocked.value = false;
    for (const element of this.elements.values()) this.start(element);
  };

  /** Sends all voices to a loudspeaker; "" is the system's choice. */
  speaker(id: string): void {
    this.sink = id;
    for (const element of this.elements.values()) this.route(element);
  }

  close(): void {
    this.play([]);
  }

  private start(element: HTMLAudioElement): void {
    element.play().catch((error: unknown) => {
      // Anything else (a track that ended meanwhile) heals with the next mapping.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.blocked.value = true;
    });
  }

  private route(element: HTMLAudioElement): void {
    if (!("setSinkId" in element)) return;
    if (element.sinkId === this.sink) return;
    element.setSinkId(this.sink).catch(() => undefined); // it was unplugged: the system's choice plays
  }
}
