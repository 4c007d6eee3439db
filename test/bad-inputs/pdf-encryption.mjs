import { createCipheriv, createHash } from "node:crypto";

// The standard security handler of PDF (ISO 32000-1, 7.6.3; revision 6: ISO 32000-2, 7.6.4), with fixed salts and
// initialisation vectors, so that the same document comes out every time. For test documents, not for secrets.

const padding = Buffer.from("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a", "hex");
const fileId = Buffer.from("0123456789abcdef0123456789abcdef", "hex");
const permissions = -3904;

/** Encryption dictionary and stream encryption for one of the four schemes. */
export function encryption(scheme, { user = "", owner = "owner" }) {
  return scheme === "aes-256" ? revision6(user, owner) : revision2To4(scheme, user, owner);
}

function revision2To4(scheme, user, owner) {
  const revision = { "rc4-40": 2, "rc4-128": 3, "aes-128": 4 }[scheme];
  const length = revision === 2 ? 5 : 16;
  const flags = Buffer.alloc(4);
  flags.writeInt32LE(permissions);

  let ownerKey = md5(pad(owner));
  if (revision > 2) for (let i = 0; i < 50; i++) ownerKey = md5(ownerKey);
  const ownerEntry = rc4Times(ownerKey.subarray(0, length), pad(user), revision);

  let key = md5(pad(user), ownerEntry, flags, fileId);
  if (revision > 2) for (let i = 0; i < 50; i++) key = md5(key.subarray(0, length));
  key = key.subarray(0, length);
  const userEntry =
    revision === 2
      ? rc4(key, padding)
      : Buffer.concat([rc4Times(key, md5(padding, fileId), revision), Buffer.alloc(16)]);

  const version = { 2: "/V 1", 3: "/V 2/Length 128", 4: `/V 4/Length 128${cryptFilter("AESV2", 16)}` }[revision];
  const entries = `/Filter/Standard${version}/R ${revision}/P ${permissions}/O<${hex(ownerEntry)}>/U<${hex(userEntry)}>`;
  return {
    trailer: `/Encrypt<<${entries}>>/ID[<${hex(fileId)}><${hex(fileId)}>]`,
    encrypt(number, data) {
      const of = Buffer.from([number & 255, (number >> 8) & 255, (number >> 16) & 255, 0, 0]);
      const salt = revision === 4 ? Buffer.from("sAlT", "latin1") : Buffer.alloc(0);
      const objectKey = md5(key, of, salt).subarray(0, Math.min(16, length + 5));
      return revision === 4 ? cbc("aes-128-cbc", objectKey, data) : rc4(objectKey, data);
    },
  };
}

function revision6(user, owner) {
  const key = createHash("sha256").update("the key of the file").digest();
  const salts = Buffer.from("0001020304050607", "hex");
  const keySalts = Buffer.from("08090a0b0c0d0e0f", "hex");
  const none = Buffer.alloc(0);
  const userEntry = Buffer.concat([hash2B(user, salts, none), salts, keySalts]);
  const userKey = wrap(hash2B(user, keySalts, none), key);
  const ownerEntry = Buffer.concat([hash2B(owner, salts, userEntry), salts, keySalts]);
  const ownerKey = wrap(hash2B(owner, keySalts, userEntry), key);
  const flags = Buffer.alloc(16, 0xff);
  flags.writeInt32LE(permissions);
  flags.write("Tadbsame", 8, "latin1");
  const perms = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(flags);
  const strings = `/O<${hex(ownerEntry)}>/U<${hex(userEntry)}>/OE<${hex(ownerKey)}>/UE<${hex(userKey)}>/Perms<${hex(perms)}>`;
  const entries = `/Filter/Standard/V 5/R 6/Length 256/P ${permissions}${strings}${cryptFilter("AESV3", 32)}`;
  return {
    trailer: `/Encrypt<<${entries}>>/ID[<${hex(fileId)}><${hex(fileId)}>]`,
    encrypt: (_number, data) => cbc("aes-256-cbc", key, data),
  };
}

/** Algorithm 2.B of ISO 32000-2. */
function hash2B(password, salt, extra) {
  const secret = Buffer.from(password, "utf8");
  let key = createHash("sha256").update(secret).update(salt).update(extra).digest();
  for (let round = 0; ; round++) {
    const once = Buffer.concat([secret, key, extra]);
    const repeated = Buffer.concat(Array.from({ length: 64 }, () => once));
    const cipher = createCipheriv("aes-128-cbc", key.subarray(0, 16), key.subarray(16, 32)).setAutoPadding(false);
    const coded = cipher.update(repeated);
    const kind = coded.subarray(0, 16).reduce((sum, byte) => sum + byte, 0) % 3;
    key = createHash(["sha256", "sha384", "sha512"][kind]).update(coded).digest();
    if (round >= 63 && coded[coded.length - 1] <= round - 31) return key.subarray(0, 32);
  }
}

function wrap(by, key) {
  return createCipheriv("aes-256-cbc", by, Buffer.alloc(16)).setAutoPadding(false).update(key);
}

function cbc(algorithm, key, data) {
  const start = Buffer.alloc(16, 7);
  const cipher = createCipheriv(algorithm, key, start);
  return Buffer.concat([start, cipher.update(data), cipher.final()]);
}

function cryptFilter(method, length) {
  return `/CF<</StdCF<</CFM/${method}/AuthEvent/DocOpen/Length ${length}>>>>/StmF/StdCF/StrF/StdCF`;
}

function rc4Times(key, data, revision) {
  let coded = rc4(key, data);
  if (revision > 2)
    for (let i = 1; i <= 19; i++)
      coded = rc4(
        key.map((byte) => byte ^ i),
        coded,
      );
  return coded;
}

// Node's own RC4 is gone with OpenSSL 3.
function rc4(key, data) {
  const box = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + box[i] + key[i % key.length]) & 255;
    [box[i], box[j]] = [box[j], box[i]];
  }
  let [a, b] = [0, 0];
  return Buffer.from(data).map((byte) => {
    a = (a + 1) & 255;
    b = (b + box[a]) & 255;
    [box[a], box[b]] = [box[b], box[a]];
    return byte ^ box[(box[a] + box[b]) & 255];
  });
}

function pad(password) {
  return Buffer.concat([Buffer.from(password, "latin1"), padding]).subarray(0, 32);
}

function md5(...parts) {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hex(bytes) {
  return bytes.toString("hex");
}
