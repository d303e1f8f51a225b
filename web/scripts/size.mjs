// Fails if the script that the first page needs is larger than the budget of UI.md. What
// counts is what index.html loads and what that imports, compressed as the server sends it.
import { readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const budget = 60 * 1024;
const app = new URL("../dist/app/", import.meta.url).pathname;

const html = readFileSync(join(app, "index.html"), "utf8");
const queue = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((match) => match[1]);
const seen = new Set();
while (queue.length > 0) {
  const file = queue.pop();
  if (seen.has(file)) continue;
  seen.add(file);
  const text = readFileSync(join(app, file), "utf8");
  for (const match of text.matchAll(/(?:^|[;\s}])(?:import|export)\b[^"'()]*?["'](\.[^"']+\.js)["']/g)) {
    queue.push(normalize(join(dirname(file), match[1])));
  }
}

let total = 0;
for (const file of [...seen].sort()) {
  const { size } = statSync(join(app, `${file}.br`));
  total += size;
  console.log(`${String(size).padStart(7)}  ${file}`);
}
console.log(`${String(total).padStart(7)}  bytes of script for the first page (br), at most ${budget}`);
if (total > budget) process.exit(1);
