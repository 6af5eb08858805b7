import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { loadSettings } from '#config/settings.ts';
import { selfSignedCertificate } from '#sim/self-signed.ts';
import { connectionsTo, imageServerOptions } from './image-server.ts';

describe('a server of images', () => {
  const { cert, key } = selfSignedCertificate({ address: '127.0.0.1', now: Date.now() });
  const server = createServer({ cert, key }, (_request, response) => response.end('an image'));
  let folder: string;
  let url: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ingot-ca-'));
    await writeFile(join(folder, 'ca.pem'), cert);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`; // It listens on a port.
  });
  after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true });
  });

  async function statusWith(webserver_verify_ca: string): Promise<number> {
    const { settings } = loadSettings(undefined, { DEFAULT: { webserver_verify_ca } });
    await using connections = await connectionsTo(url, imageServerOptions(settings));
    const { dispatcher } = connections;
    const { statusCode, body } = await request(url, { dispatcher });
    await body.dump();
    return statusCode;
  }

  it('is verified by the authorities of the system, unless others are named or none', async () => {
    await assert.rejects(statusWith('True'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    assert.equal(await statusWith(join(folder, 'ca.pem')), 200);
    assert.equal(await statusWith('False'), 200);
  });
});
