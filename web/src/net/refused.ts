import type { Code, Refusal } from "../protocol.gen";

/** What went wrong, as far as a person is told: the server's codes, and no answer at all. */
export type Fault = Code | "offline";

/** Refused is the only error that requests reject with. The texts are in ui/fault.ts. */
export class Refused extends Error {
  readonly code: Fault;
  /** Which value is refused, for "invalid" and "name_taken". */
  readonly field: string | undefined;
  /** For the operator, never shown large. */
  readonly detail: string | undefined;
  /** In milliseconds; undefined if trying again is of no use as such. */
  readonly retryAfter: number | undefined;

  constructor(refusal: Omit<Refusal, "code"> & { code: Fault }) {
    super(refusal.detail ? `${refusal.code}: ${refusal.detail}` : refusal.code);
    this.name = "Refused";
    this.code = refusal.code;
    this.field = refusal.field;
    this.detail = refusal.detail;
    this.retryAfter = refusal.retry_after || undefined;
  }

  /** Any thrown value as a Refused, so that a page always has a code to word. */
  static from(thrown: unknown): Refused {
    if (thrown instanceof Refused) return thrown;
    return new Refused({ code: "internal", detail: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}
