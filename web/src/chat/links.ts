/** A stretch of a message: plain text, or an address that may be followed. */
export type Piece = { text: string } | { text: string; href: string };

const candidates = /https?:\/\/[^\s<>"'`\u2066-\u2069\u00ab\u00bb“”]+/giu;
// What ends a sentence, in Arabic and Latin, is not part of an address at its end.
const trailing = /[.,;:!?…،؛؟*_~]$/u;
const brackets: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

/** Splits a text into plain stretches and links. Only http and https addresses become links. */
export function pieces(text: string): Piece[] {
  const result: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(candidates)) {
    const address = trim(match[0]);
    const href = safe(address);
    if (href === undefined) continue;
    if (match.index > from) result.push({ text: text.slice(from, match.index) });
    result.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) result.push({ text: text.slice(from) });
  return result;
}

function trim(address: string): string {
  for (;;) {
    const last = address.at(-1)!;
    const open = brackets[last];
    const unpaired = open !== undefined && count(address, last) > count(address, open);
    if (!unpaired && !trailing.test(address)) return address;
    address = address.slice(0, -1);
  }
}

const count = (text: string, char: string) => text.split(char).length - 1;

function safe(address: string): string | undefined {
  try {
    const url = new URL(address);
    // A name before an @ looks like the host to a reader, and is not.
    const honest = (url.protocol === "http:" || url.protocol === "https:") && url.username === "" && url.password === "";
    return honest ? url.href : undefined;
  } catch {
    return undefined;
  }
}
