// Prints a line "HASH  PATH" for each file that the built console is made from, sorted by path: what console/dist/SOURCES.sha256 holds.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = "src/api/generated.ts";
const given = ["api", "index.html", "package-lock.json", "package.json", "public", "requirements.txt", "scripts", "src", "tsconfig.json", "vite.config.ts"];

function filesOf(path) {
  if (!statSync(root + path).isDirectory()) return [path];
  return readdirSync(root + path).flatMap((name) => filesOf(`${path}/${name}`));
}

const files = given.flatMap(filesOf).filter((path) => path !== generated && !path.endsWith(".md"));
for (const path of files.sort()) console.log(`${createHash("sha256").update(readFileSync(root + path)).digest("hex")}  ${path}`);
