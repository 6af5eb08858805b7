// A certificate that a BMC makes for itself, as real ones come: nobody has signed it but the BMC (RFC 5280, in DER).
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const oid = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
} as const;

/** A fresh key and its certificate for that IPv4 address, good from the day before to ten years on. */
export function selfSignedCertificate(options: { address: string; now: number }): {
  cert: string;
  key: string;
} {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(tag(0x06, Buffer.from(oid.ecdsaWithSha256, 'hex')));
  const name = sequence(
    tag(
      0x31,
      sequence(tag(0x06, Buffer.from(oid.commonName, 'hex')), tag(0x0c, Buffer.from(options.address))),
    ),
  );
  const day = 24 * 3600 * 1000;
  const addresses = sequence(tag(0x87, Buffer.from(options.address.split('.').map(Number))));
  const body = sequence(
    tag(0xa0, tag(0x02, Buffer.from([2]))),
    tag(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(options.now - day), time(options.now + 3650 * day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tag(0xa3, sequence(sequence(tag(0x06, Buffer.from(oid.subjectAltName, 'hex')), tag(0x04, addresses)))),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, algorithm, tag(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    cert: pem('CERTIFICATE', certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

function tag(type: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  return Buffer.concat([Buffer.from([type, ...lengthBytes(length)]), content]);
}

/** In as few bytes as it takes: some readers refuse more. */
function lengthBytes(length: number): number[] {
  if (length < 128) return [length];
  return length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
}

function sequence(...contents: Buffer[]): Buffer {
  return tag(0x30, ...contents);
}

/** GeneralizedTime, to the second. */
function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tag(0x18, Buffer.from(digits));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
