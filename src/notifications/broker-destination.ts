import type { Log } from '#model/log.ts';
import type { Broker } from '#rpc/broker.ts';
import type { Notification } from './notification.ts';
import type { Destination } from './destination.ts';

/** Left of the broker's limit for what goes around a body. */
const frameBytes = 4096;

/** The subjects `<prefix>.notifications.<event type>` at the broker. */
export function brokerDestination(broker: Broker, log: Log): Destination {
  const { connection, subjects } = broker;
  const publish = (notification: Notification): void => {
    const { event_type: type, message_id: id } = notification;
    const body = Buffer.from(JSON.stringify(notification));
    if (body.length + frameBytes > (connection.info?.max_payload ?? 0))
      log.error(
        { type, id, bytes: body.length },
        'a notification is too large for the broker; it is left out',
      );
    else connection.publish(subjects.notification(type), body);
  };
  return {
    name: 'broker',
    words: 'the broker',
    async send(notifications) {
      if (!broker.isConnected) return { count: 0, failure: new Error('the broker is away') };
      try {
        for (const notification of notifications) publish(notification);
        // Answered by the broker when it has all that was sent before: one that went away meanwhile has not.
        await connection.flush();
        return { count: notifications.length };
      } catch (failure) {
        return { count: 0, failure };
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
