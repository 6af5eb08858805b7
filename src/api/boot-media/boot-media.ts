// GET and HEAD /ingot/boot/{node}/{secret}/boot.iso: what a BMC mounts as virtual media. It knows nothing of versions,
// and asks for ranges as small as a sector, so this answers beside the API's own pattern.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readNode } from '#db/nodes.ts';
import { createBootFiles } from '#images/boot-files.ts';
import { bootMediaOf, composeBootMedia } from '#images/boot-media.ts';
import type { IsoImage } from '#images/iso/image.ts';
import { serveIso } from '#images/iso/serve.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { canonicalUuid } from '../identity.ts';
import type { ApiParts } from '../parts.ts';

export const bootMediaPath = '/ingot/boot/';

type BootMediaParts = Pick<ApiParts, 'settings' | 'store' | 'clock' | 'log'>;

/** Machines that boot at once; the layouts of more than these are made again when they are asked for. */
const maxLayouts = 1000;
/** For so long a layout is used before the settings and the files are looked at again. */
const layoutMilliseconds = 30_000;

interface Layout {
  readonly image: Promise<IsoImage | null>;
  readonly madeAt: number;
}

/**
 * Serves the boot media of nodes on a server that does not listen yet. Closing the server cuts off whoever reads:
 * a BMC takes up again where it was.
 */
export function addBootMedia(app: FastifyInstance, parts: BootMediaParts): void {
  const files = createBootFiles(parts.settings, parts.clock);
  const layouts = new Map<string, Layout>();
  const reading = new Set<ServerResponse>();
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    for (const response of reading) response.destroy();
    done();
  });

  const layoutOf = async (node: NodeRecord, secret: string): Promise<IsoImage | null> => {
    const key = `${node.uuid}/${secret}`;
    const known = layouts.get(key);
    if (known && parts.clock.now() - known.madeAt < layoutMilliseconds) return await known.image;
    layouts.delete(key);
    const oldest = layouts.keys().next();
    if (layouts.size >= maxLayouts && !oldest.done) layouts.delete(oldest.value);
    const image = composeBootMedia(parts.settings, node, files, closing.signal);
    layouts.set(key, { image, madeAt: parts.clock.now() });
    // What could not be made may be made once its cause is gone.
    image.catch(() => layouts.delete(key));
    return await image;
  };

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    // The pattern of the route has both.
    const { node: ident, secret } = request.params as { node: string; secret: string };
    reply.hijack();
    const response = reply.raw;
    try {
      const node = await findByMedia(parts, ident, secret);
      const image = node && (await layoutOf(node, secret));
      if (!image) {
        refuse(response, 404);
        return;
      }
      reading.add(response);
      await serveIso(image, request.raw, response);
    } catch (error) {
      parts.log.error({ err: error, request: request.id, node: ident }, 'boot media could not be served');
      // The log says why; a BMC could not tell one reason from another.
      if (!response.headersSent) refuse(response, 503);
    } finally {
      reading.delete(response);
    }
  };
  app.route({ method: ['GET', 'HEAD'], url: `${bootMediaPath}:node/:secret/boot.iso`, handler: answer });
}

/** The node, if its media are known by this secret; in the same time whatever of the secret is right. */
async function findByMedia(
  { store }: BootMediaParts,
  ident: string,
  secret: string,
): Promise<NodeRecord | undefined> {
  const uuid = canonicalUuid(ident);
  const node = uuid === undefined ? undefined : await readNode(store.read, uuid);
  const media = node ? bootMediaOf(node) : null;
  // A node without media is compared too, with what nothing equals.
  const isRight = timingSafeEqual(digest(secret), digest(media?.secret ?? ''));
  return media && media.secret !== '' && isRight ? node : undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refuse(response: ServerResponse, status: 404 | 503): void {
  response.writeHead(status, { 'content-length': 0, 'cache-control': 'no-store' }).end();
}
