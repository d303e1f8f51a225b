import type { Refused } from "../net/refused";
import { t } from "./texts";

/** What happened and what to do, in the page's language. */
export function faultText(fault: Refused): string {
  return t(`fault_${fault.code}`);
}

/** What an operator wants to hear: the code, and the reference for the log if there is one. */
export function faultCode(fault: Refused): string {
  return fault.detail ? `${fault.code} · ${fault.detail}` : fault.code;
}
