/**
 * Picture-in-picture: one picture in a window of its own, above other programs. One
 * `<video>` serves for it, whoever is shown, so that the window stays open while the
 * picture changes.
 */
import { signal } from "@preact/signals";

export class PictureInPicture {
  /** Whether this browser offers it to a page. */
  readonly possible = "requestPictureInPicture" in HTMLVideoElement.prototype && document.pictureInPictureEnabled;
  readonly open = signal(false);
  private readonly video = document.createElement("video");
  private track: MediaStreamTrack | undefined;

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.autoplay = true;
    this.video.addEventListener("leavepictureinpicture", () => {
      this.open.value = false;
      this.video.srcObject = null;
    });
  }

  /** Which picture it shows; undefined keeps the last one. */
  show(track: MediaStreamTrack | undefined): void {
    if (!track || track === this.track) return;
    this.track = track;
    if (this.open.value) this.attach();
  }

  /** Opens or closes it. Must be called from a click or key: browsers demand it. */
  async toggle(): Promise<void> {
    if (this.open.value) return this.close();
    if (!this.possible || !this.track) return;
    this.attach();
    if (this.video.readyState < HTMLMediaElement.HAVE_METADATA) {
      await new Promise((resolve) => this.video.addEventListener("loadedmetadata", resolve, { once: true }));
    }
    await this.video.requestPictureInPicture();
    this.open.value = true;
  }

  async close(): Promise<void> {
    if (document.pictureInPictureElement === this.video) await document.exitPictureInPicture();
    this.open.value = false;
  }

  private attach(): void {
    this.video.srcObject = new MediaStream([this.track!]);
    this.video.play().catch(() => undefined); // refused only when the track is gone
  }
}
