import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'undici';
import { lookupElsewhere } from '#config/lookup-elsewhere.ts';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#model/clock.ts';
import type { Log } from '#model/log.ts';
import type { Notification } from './notification.ts';
import type { Destination } from './destination.ts';
import { parseWebhookUrl } from './webhook-address.ts';

/** So much of an answer is read for the sake of the connection; it says nothing that we use. */
const answerBytes = 65_536;

/**
 * A receiver of notifications over HTTP, each a POST of its own, signed with [ingot]webhook_secret. An answer of 2xx
 * takes a notification; one of 4xx that says that it never will, leaves it out. Throws ConfigError for a URL that
 * nothing may be posted to.
 */
export function webhookDestination(text: string, { ingot }: Settings, clock: Clock, log: Log): Destination {
  const url = parseWebhookUrl(text, { allowLinkLocal: ingot.webhook_allow_link_local });
  const agent = new Agent({
    connections: 1,
    connect: ingot.webhook_allow_link_local ? {} : { lookup: lookupElsewhere },
  });
  const words = `the webhook at ${url.host}`;
  const post = async (notification: Notification, signal: AbortSignal): Promise<void> => {
    const body = JSON.stringify(notification);
    const { event_type: type, message_id: id } = notification;
    const status = await statusOf(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'ingot-event': type,
        'ingot-delivery': id,
        ...signature(ingot.webhook_secret, Math.floor(clock.now() / 1000), body),
      },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ingot.webhook_timeout * 1000)]),
    });
    if (status >= 200 && status < 300) return;
    if (!isFinal(status)) throw new Error(`${words} answered with HTTP status ${status}`);
    log.error({ type, id, status, webhook: url.host }, 'a webhook refused a notification; it is left out');
  };
  return {
    name: `webhook ${createHash('sha256').update(url.href).digest('hex').slice(0, 32)}`,
    words,
    async send(notifications, signal) {
      for (const [count, notification] of notifications.entries()) {
        try {
          await post(notification, signal);
        } catch (failure) {
          return { count, failure };
        }
      }
      return { count: notifications.length };
    },
    [Symbol.asyncDispose]: async () => await agent.destroy(),
  };
}

/** Follows no redirection: where it leads is not what an operator chose. */
async function statusOf(
  url: URL,
  options: Parameters<typeof request>[1] & { signal: AbortSignal },
): Promise<number> {
  const { statusCode, body } = await request(url, options);
  await body.dump({ limit: answerBytes, signal: options.signal });
  return statusCode;
}

/** Answers after which the same notification would be refused again. The others of 4xx an operator can mend. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 404, 407, 408, 421, 425, 429].includes(status);
}

/** Over the time and the body, so that neither can be changed, nor the whole be sent again later unnoticed. */
function signature(secret: string | null, timestamp: number, body: string): Record<string, string> {
  if (secret === null) return { 'ingot-timestamp': String(timestamp) };
  const digest = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'ingot-timestamp': String(timestamp), 'ingot-signature': `sha256=${digest}` };
}
