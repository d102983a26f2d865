// Writes vectors.json: replies as the service would send them, sealed by each library.
//
//   node make.mjs [--out DIR]
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { peers, testKey, versions } from "./peers.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { out } = parseArgs({ options: { out: { type: "string", default: here } } }).values;

const kids = {
  2048: "6f1c2a52-7f0e-4f0b-9a53-0d0c8e5b2048",
  3072: "0a9be3c4-52d8-4c67-b1de-93f4f1a63072",
  4096: "c37d90e8-1b64-4b0a-8a2f-5e6d7c8b4096",
};
const plaintexts = {
  "small JSON": '{"status":"ok"}',
  "empty object": "{}",
  "UTF-8": '{"name":"Zoë Łuczak – 李小龍 🔐"}',
  "300 bytes": JSON.stringify({ pad: "x".repeat(290) }),
};
const dirHeaders = {
  "enc first": { enc: "A256GCM", alg: "dir" },
  "alg first": { alg: "dir", enc: "A256GCM" },
};
const rsaHeaders = (kid) => ({
  "kid, enc, alg": { kid, enc: "A256GCM", alg: "RSA-OAEP-256" },
  "alg, enc, kid": { alg: "RSA-OAEP-256", enc: "A256GCM", kid },
});

const vectors = [];
for (const [library, peer] of Object.entries(peers)) {
  for (const [content, text] of Object.entries(plaintexts)) {
    const plaintext = Buffer.from(text);
    const add = async (name, secret, header, fields) =>
      vectors.push({
        library,
        name: `${name}, ${content}`,
        ...fields,
        plaintext: plaintext.toString("base64url"),
        compact: await peer.seal(secret, header, plaintext),
      });
    for (const [order, header] of Object.entries(dirHeaders)) {
      const cek = randomBytes(32);
      await add(`dir, ${order}`, cek, header, { cek: cek.toString("base64url") });
    }
    for (const [bits, kid] of Object.entries(kids)) {
      for (const [order, header] of Object.entries(rsaHeaders(kid))) {
        await add(`RSA ${bits}, ${order}`, testKey(bits), header, { key: bits, kid });
      }
    }
  }
}

const record = { node: process.version, libraries: versions(), vectors };
writeFileSync(join(out, "vectors.json"), JSON.stringify(record, null, 1) + "\n");
