import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

/** A certificate for this machine's loopback and its key, as text and as files. */
export interface Certificate {
  certificate: string;
  key: string;
  certificateFile: string;
  keyFile: string;
}

/** Makes a certificate that signs itself, and is therefore its own authority. */
export async function makeCertificate(folder: string, name: string): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: false },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  await writeFile(certificateFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { certificate: cert, key, certificateFile, keyFile };
}
