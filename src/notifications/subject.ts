// What an event is about, kept with it for the notifications that will tell of it.
import type { Settings } from '#config/settings.ts';
import type { EventSubject } from '#db/events.ts';
import type { ChassisRecord } from '#model/chassis-record.ts';
import type { NodeRecord } from '#model/node-record.ts';
import type { PortRecord } from '#model/port-record.ts';
import { driverSecretKeys, instanceSecretKeys, withoutSecrets } from '#model/secrets.ts';
import { chassisSubjectMembers, nodeSubjectMembers, portSubjectMembers } from './payloads.ts';

/** Whether anybody is to be told; where not, nothing is kept for it. */
export function areSent({ DEFAULT }: Settings): boolean {
  return DEFAULT.notification_level !== null;
}

/** Undefined where no notifications are sent. */
export function nodeSubject(
  settings: Settings,
  service: 'api' | 'conductor',
  node: NodeRecord,
): EventSubject | undefined {
  if (!areSent(settings)) return undefined;
  const alsoSecret = [...driverSecretKeys, ...instanceSecretKeys];
  return subject(settings, service, pick(node, nodeSubjectMembers), alsoSecret);
}

/** Undefined where no notifications are sent. */
export function portSubject(settings: Settings, port: PortRecord): EventSubject | undefined {
  return areSent(settings) ? subject(settings, 'api', pick(port, portSubjectMembers)) : undefined;
}

/** Undefined where no notifications are sent. */
export function chassisSubject(settings: Settings, chassis: ChassisRecord): EventSubject | undefined {
  return areSent(settings) ? subject(settings, 'api', pick(chassis, chassisSubjectMembers)) : undefined;
}

/** `service`: which of Ironic's tells of it. */
function subject(
  { DEFAULT }: Settings,
  service: 'api' | 'conductor',
  data: Record<string, unknown>,
  alsoSecret: readonly string[] = [],
): EventSubject {
  return { publisher: `ironic-${service}.${DEFAULT.host}`, data: withoutSecrets(data, alsoSecret) };
}

function pick<T extends object>(record: T, names: readonly (keyof T & string)[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}
