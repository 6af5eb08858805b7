import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { Broker } from '#rpc/broker.ts';
import { brokerDestination } from './broker-destination.ts';
import type { Destination } from './destination.ts';
import { areSent } from './subject.ts';
import { webhookDestination } from './webhook-destination.ts';

/** Every destination that notifications are to be sent to. Throws ConfigError for one that nothing may be sent to. */
export function destinationsOf(
  settings: Settings,
  broker: Broker | null,
  clock: Clock,
  log: Log,
): Destination[] {
  const { webhook_urls: urls } = settings.ingot;
  const webhooks = [...new Set(urls)].map((url) => webhookDestination(url, settings, clock, log));
  if (areSent(settings)) return [...(broker ? [brokerDestination(broker, log)] : []), ...webhooks];
  if (urls.length > 0)
    log.warn({}, '[ingot] webhook_urls are told nothing: [DEFAULT] notification_level is not set');
  return [];
}
