// The device: all that sees the PIN. It works with any JOSE library; this one is
// jose, from npm.
import { createPublicKey, randomBytes } from "node:crypto";
import { CompactEncrypt, compactDecrypt } from "jose";

// seal seals a text to Wise's key, which is given as Wise publishes it: the base64
// of a SubjectPublicKeyInfo. It returns the JWE, and the content key that opens the
// reply: a device keeps it in memory until the reply is there, and no longer.
export async function seal(keyMaterial, text) {
  const key = createPublicKey({ key: Buffer.from(keyMaterial, "base64"), format: "der", type: "spki" });
  // A fresh one each time. jose would make one too, and keep it to itself; Wise seals
  // its reply with it.
  const contentKey = randomBytes(32);
  const jwe = await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" })
    .setContentEncryptionKey(contentKey)
    .encrypt(key);
  return { jwe, contentKey };
}

// open opens a reply that is sealed with the content key of the request. Any other
// way of sealing is refused: what is sealed to a public key may come from anybody.
export async function open(contentKey, jwe) {
  const { plaintext } = await compactDecrypt(jwe, contentKey, {
    keyManagementAlgorithms: ["dir"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
  return new TextDecoder().decode(plaintext);
}
