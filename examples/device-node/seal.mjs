// Seals what it reads to Wise's key, for a shell:
//
//   echo '{"pin":"0417"}' | node seal.mjs wise-key.json >pin.jwe
//
// wise-key.json is what Wise's key endpoint has answered.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { seal } from "./device.mjs";

const [file] = process.argv.slice(2);
if (!file) {
  console.error("usage: node seal.mjs wise-key.json <text >jwe");
  process.exit(2);
}
const { keyMaterial } = JSON.parse(readFileSync(file, "utf8"));
const { jwe } = await seal(keyMaterial.keyMaterial, (await text(process.stdin)).trim());
process.stdout.write(jwe);
