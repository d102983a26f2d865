// The two JOSE implementations the Go code is checked against, behind one small interface, and the
// throw-away keys.
//
//   seal(key, header, plaintext) -> compact     key: a CEK (Buffer) for alg dir, a KeyObject for RSA
//   open(key, compact)           -> plaintext
//   unwrap(key, compact)         -> the CEK a request was sealed with
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as jose from "jose";

const require = createRequire(import.meta.url);

// Loaded without a global WebCrypto, node-jose does RSA-OAEP-256 in plain JavaScript (node-forge)
// instead of in the OpenSSL that jose reaches through WebCrypto: two implementations, not one.
function loadNodeJose() {
  const saved = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  delete globalThis.crypto;
  try {
    return require("node-jose");
  } finally {
    if (saved) Object.defineProperty(globalThis, "crypto", saved);
  }
}
const nodeJose = loadNodeJose();

const segment = (compact, i) => Buffer.from(compact.split(".")[i], "base64url");
const isSecret = (key) => Buffer.isBuffer(key);
const nodeJoseKey = (key) =>
  nodeJose.JWK.asKey(isSecret(key) ? { kty: "oct", k: key.toString("base64url") } : key.export({ format: "jwk" }));

export const peers = {
  jose: {
    version: require("jose/package.json").version,
    async seal(key, header, plaintext) {
      const jwk = isSecret(key) ? key : await jose.importJWK(publicJWK(key), "RSA-OAEP-256");
      return new jose.CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(jwk);
    },
    async open(key, compact) {
      const { plaintext } = await jose.compactDecrypt(compact, key, {
        keyManagementAlgorithms: [isSecret(key) ? "dir" : "RSA-OAEP-256"],
        contentEncryptionAlgorithms: ["A256GCM"],
      });
      return Buffer.from(plaintext);
    },
    async unwrap(key, compact) {
      const priv = await jose.importJWK(key.export({ format: "jwk" }), "RSA-OAEP-256");
      return Buffer.from(await crypto.subtle.decrypt("RSA-OAEP", priv, segment(compact, 1)));
    },
  },

  "node-jose": {
    version: require("node-jose/package.json").version,
    async seal(key, header, plaintext) {
      const jwk = await nodeJoseKey(key);
      return nodeJose.JWE.createEncrypt({ format: "compact", fields: header }, { key: jwk, reference: false }).final(plaintext);
    },
    async open(key, compact) {
      const algorithms = [isSecret(key) ? "dir" : "RSA-OAEP-256", "A256GCM"];
      return (await nodeJose.JWE.createDecrypt(await nodeJoseKey(key), { algorithms }).decrypt(compact)).plaintext;
    },
    async unwrap(key, compact) {
      return (await nodeJoseKey(key)).unwrap("RSA-OAEP-256", segment(compact, 1));
    },
  },
};

function publicJWK(key) {
  const { kty, n, e } = key.export({ format: "jwk" });
  return { kty, n, e };
}

// testKey reads a throw-away key by its size in bits: "2048", "3072" or "4096".
export function testKey(bits) {
  return createPrivateKey(readFileSync(new URL(`test-only-key-${bits}.pem`, import.meta.url)));
}

export const versions = () => Object.fromEntries(Object.entries(peers).map(([name, p]) => [name, p.version]));
