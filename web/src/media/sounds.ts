/**
 * The few short, quiet sounds of the page, made on the spot. A person can switch them off
 * (`quiet`); the test sound always plays, on the loudspeaker that is being tested.
 */
type Note = readonly [hertz: number, start: number, seconds: number];

const NOTES = {
  joined: [
    [523, 0, 0.12],
    [659, 0.1, 0.16],
  ],
  left: [
    [523, 0, 0.12],
    [392, 0.1, 0.16],
  ],
  hand: [[784, 0, 0.18]],
  chat: [[880, 0, 0.09]],
  lobby: [
    [659, 0, 0.12],
    [659, 0.2, 0.12],
  ],
  attention: [
    [587, 0, 0.14],
    [880, 0.14, 0.2],
  ],
  test: [
    [392, 0, 0.3],
    [523, 0.25, 0.3],
    [659, 0.5, 0.3],
    [784, 0.75, 0.6],
  ],
} satisfies Record<string, readonly Note[]>;

export type Sound = keyof typeof NOTES;

export class Sounds {
  private context: AudioContext | undefined;
  quiet = false;

  /** Plays a sound. Resolves when it is over; never fails. */
  async play(sound: Sound, speaker = ""): Promise<void> {
    if (this.quiet && sound !== "test") return;
    const context = (this.context ??= new AudioContext());
    if (context.state === "suspended") await Promise.race([context.resume(), wait(0.3)]);
    if (context.state !== "running") return; // no click on this page yet: a sound is not worth one
    const volume = sound === "test" ? 0.2 : 0.06;
    const out = speaker ? await this.speaker(context, speaker) : { node: context.destination, stop: () => undefined };
    let end = 0;
    for (const [hertz, start, seconds] of NOTES[sound]) {
      const at = context.currentTime + 0.02 + start;
      const tone = new OscillatorNode(context, { frequency: hertz, type: "sine" });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(volume, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, at + seconds);
      tone.connect(gain).connect(out.node);
      tone.start(at);
      tone.stop(at + seconds);
      end = Math.max(end, start + seconds);
    }
    await wait(end + 0.1);
    out.stop();
  }

  close(): void {
    void this.context?.close();
    this.context = undefined;
  }

  /** An audio element is what every browser can send to a chosen loudspeaker. */
  private async speaker(context: AudioContext, id: string): Promise<{ node: AudioNode; stop: () => void }> {
    const node = new MediaStreamAudioDestinationNode(context);
    const element = new Audio();
    element.srcObject = node.stream;
    if ("setSinkId" in element) await element.setSinkId(id).catch(() => undefined);
    await element.play().catch(() => undefined);
    return { node, stop: () => (element.srcObject = null) };
  }
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
