import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { Broker } from '#rpc/broker.ts';
import { brokerPlace } from './broker-place.ts';
import type { Place } from './place.ts';
import { areSent } from './subject.ts';
import { webhookPlace } from './webhook-place.ts';

/** Every place that notifications are to be sent to. Throws ConfigError for one that nothing may be sent to. */
export function placesOf(settings: Settings, broker: Broker | null, clock: Clock, log: Log): Place[] {
  const { webhook_urls: urls } = settings.ingot;
  const webhooks = [...new Set(urls)].map((url) => webhookPlace(url, settings, clock, log));
  if (areSent(settings)) return [...(broker ? [brokerPlace(broker, log)] : []), ...webhooks];
  if (urls.length > 0)
    log.warn({}, '[ingot] webhook_urls are told nothing: [DEFAULT] notification_level is not set');
  return [];
}
