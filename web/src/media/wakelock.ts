/**
 * Keeps the screen on while a meeting runs. The browser takes the lock away whenever the
 * page is hidden, so it is asked for again when the page returns. Where the browser has
 * no such call, nothing happens.
 */
export class WakeLock {
  private lock: WakeLockSentinel | undefined;
  private held = false;

  hold(): void {
    if (this.held) return;
    this.held = true;
    document.addEventListener("visibilitychange", this.acquire);
    this.acquire();
  }

  release(): void {
    this.held = false;
    document.removeEventListener("visibilitychange", this.acquire);
    void this.lock?.release().catch(() => undefined);
    this.lock = undefined;
  }

  private readonly acquire = (): void => {
    if (!this.held || document.hidden || !("wakeLock" in navigator)) return;
    navigator.wakeLock.request("screen").then(
      (lock) => {
        if (this.held) this.lock = lock;
        else void lock.release();
      },
      () => undefined, // a low battery may refuse it: no harm
    );
  };
}
