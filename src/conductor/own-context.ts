import type { Random } from '#model/clock.ts';
import type { RequestContext } from '#protocol/rpc.ts';

/** The context of what a conductor does by itself: nobody asked, but its log lines and events belong together. */
export function ownContext(random: Random): RequestContext {
  return { requestId: `req-${random.uuid()}`, userId: null };
}
