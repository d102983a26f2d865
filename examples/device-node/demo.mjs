// A device that seals a PIN and a fingerprint, and a partner's backend that passes
// them on to Wise without being able to read them. Wise is wisesim:
//
//   go run ./cmd/wisesim &
//   npm ci --prefix examples/device-node
//   node examples/device-node/demo.mjs http://127.0.0.1:8080
//
// Where wisesim asks for a token, it is taken from WISESIM_TOKEN.
import { open, seal } from "./device.mjs";

const wise = process.argv[2] ?? "http://127.0.0.1:8080";
const sim = new URL("/_sim/api/", wise);
const simToken = process.env.WISESIM_TOKEN;

// control asks wisesim for what no Wise would do.
async function control(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  if (simToken) headers.Authorization = `Bearer ${simToken}`;
  const response = await fetch(new URL(path, sim), { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${answer.error}`);
  return answer;
}

// backend is what the partner runs. It holds tokens, and no key that opens anything.
const backend = {
  async wiseKey() {
    const { accessToken } = await control("access-token");
    const query = "algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION";
    const response = await fetch(`${wise}/v1/auth/jose/response/public-keys?${query}`, {
      headers: { Authorization: `Bearer ${accessToken}` },
    });
    if (!response.ok) throw new Error(`Wise's key: status ${response.status}`);
    return (await response.json()).keyMaterial.keyMaterial;
  },

  // relay passes a sealed body on for a customer, and the reply back as it is.
  async relay(user, path, jwe) {
    const { accessToken } = await control(`users/${user}/access-token`);
    const response = await fetch(wise + path, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${accessToken}`,
        "Content-Type": "application/jose+json",
        Accept: "application/jose+json",
        "Accept-Encoding": "identity",
        "Content-Encoding": "identity",
        "X-TW-JOSE-Method": "jwe",
      },
      body: jwe,
    });
    if (!response.ok) throw new Error(`${path}: status ${response.status}`);
    return { status: response.status, body: await response.text() };
  },
};

const { id: user } = await control("users");

const pin = await seal(await backend.wiseKey(), JSON.stringify({ pin: "0417" }));
const set = await backend.relay(user, "/v1/user/pin", pin.jwe);
console.log(`user ${user}: the PIN is set, status ${set.status}`);

const device = await seal(await backend.wiseKey(), JSON.stringify({ deviceFingerprint: `phone-of-${user}` }));
const created = await backend.relay(user, "/v1/user/partner-device-fingerprints", device.jwe);
const { deviceFingerprintId } = JSON.parse(await open(device.contentKey, created.body));
console.log(`user ${user}: the device is registered, and has opened the reply: ${deviceFingerprintId}`);
