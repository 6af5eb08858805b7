// An HTTP server of one image, with the faults that image servers have.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ImageServerFaults {
  /** The connection breaks after so many bytes of the body, on so many of the first answers. */
  dropAfterBytes?: number;
  drops?: number;
  /** After so many bytes nothing more is sent, and the connection stays open. */
  stallAfterBytes?: number;
  stalls?: number;
  ranges?: boolean;
  /** Statuses to answer with before the image is given. */
  statuses?: number[];
  /** A new entity tag with each answer, as of an image that is replaced all the time. */
  changing?: boolean;
}

export interface ImageServer extends AsyncDisposable {
  url: string;
  /** The Range header of each request, in order. */
  requests: { range: string | null; authorization: string | null }[];
}

export async function serveImage(image: Buffer, faults: ImageServerFaults = {}): Promise<ImageServer> {
  const requests: ImageServer['requests'] = [];
  const { drops = 0, stalls = 0, statuses = [], ranges = true, changing = false } = faults;
  const server = createServer((request, response) => {
    const count = requests.push({
      range: request.headers.range ?? null,
      authorization: request.headers.authorization ?? null,
    });
    const status = statuses[count - 1];
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const start = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0;
    const body = image.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'Content-Length': body.length,
      ETag: changing ? `"${count}"` : '"1"',
      ...(start > 0 && { 'Content-Range': `bytes ${start}-${image.length - 1}/${image.length}` }),
    });
    if (count <= drops) response.write(body.subarray(0, faults.dropAfterBytes), () => response.destroy());
    else if (count <= stalls) response.write(body.subarray(0, faults.stallAfterBytes));
    else response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}/images/disk.img?signature=secret`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
