// Opens what the Go code sealed with every library, and answers each message with a `dir` reply
// sealed with the content key that library recovered from it, as the service does.
//
//   node check.mjs IN OUT
//
// IN: {messages: [{name, key, compact, plaintext, answer}]}, key being a test key's size and
// plaintext base64url; answer, base64url too, is what the reply is to say, if anything. OUT: the same, each message with its content key and, for each library, what it
// opened and its reply. Any disagreement: a line on standard error, exit status 1, no OUT.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { peers, testKey, versions } from "./peers.mjs";

const [input, output] = process.argv.slice(2);
const { messages } = JSON.parse(readFileSync(input, "utf8"));
if (!messages?.length) throw new Error("no messages to check");

const failures = [];
for (const message of messages) {
  message.libraries = {};
  for (const [library, peer] of Object.entries(peers)) {
    const ensure = (ok, problem) => {
      if (!ok) throw new Error(problem);
    };
    try {
      const key = testKey(message.key);
      const opened = await peer.open(key, message.compact);
      ensure(opened.toString("base64url") === message.plaintext, "opened to a different plaintext");

      const cek = await peer.unwrap(key, message.compact);
      message.cek ??= cek.toString("base64url");
      ensure(cek.length === 32, `content key of ${cek.length} bytes`);
      ensure(cek.toString("base64url") === message.cek, "recovered a different content key");

      const sha256 = createHash("sha256").update(opened).digest("hex");
      const answer = message.answer
        ? Buffer.from(message.answer, "base64url")
        : Buffer.from(JSON.stringify({ from: library, sha256 }));
      message.libraries[library] = {
        opened: opened.toString("base64url"),
        reply: await peer.seal(cek, { enc: "A256GCM", alg: "dir" }, answer),
      };
    } catch (err) {
      failures.push(`${message.name}: ${library}: ${err.message}`);
    }
  }
}

if (failures.length) {
  console.error(failures.join("\n"));
  process.exit(1);
}
writeFileSync(output, JSON.stringify({ node: process.version, libraries: versions(), messages }, null, 1) + "\n");
