// Events as Ironic's versioned notifications.
import { createHash } from 'node:crypto';
import type { EventKind, EventSubject, StreamedEvent } from '#db/events.ts';
import { isStable, type ProvisionState } from '#model/provision-states.ts';
import { type PayloadName, payloads } from './payloads.ts';

export const levels = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Level = (typeof levels)[number];

/** As it goes over the wire (ironic objects/notification.py, oslo.messaging). */
export interface Notification {
  /** The same each time the notification is sent: whoever gets it twice can tell. */
  readonly message_id: string;
  readonly publisher_id: string;
  readonly event_type: string;
  readonly priority: string;
  readonly payload: {
    readonly 'ironic_object.name': PayloadName;
    readonly 'ironic_object.namespace': 'ironic';
    readonly 'ironic_object.version': string;
    readonly 'ironic_object.data': Readonly<Record<string, unknown>>;
  };
  readonly timestamp: string;
}

/** One way in which an event is told. */
interface Told {
  /** `node.provision_set`, below `baremetal`. */
  readonly action: string;
  readonly status: 'start' | 'end' | 'error' | 'success';
  readonly payload: PayloadName;
  /** What of the event the payload has. */
  readonly ofEvent?: Readonly<Record<string, unknown>>;
  /** Where the subject was noted later than this was so: of a commit with several transitions, the last is noted. */
  readonly thenSo?: Readonly<Record<string, unknown>>;
}

type Data = Readonly<Record<string, unknown>>;

/** How each kind of event is told; what is not here is told to nobody outside. */
const tellings: { readonly [Kind in EventKind]?: (data: Data) => readonly Told[] } = {
  'node.created': () => done('node.create', 'NodeCRUDPayload'),
  'node.updated': () => done('node.update', 'NodeCRUDPayload'),
  'node.deleted': () => done('node.delete', 'NodeCRUDPayload'),
  'port.created': () => done('port.create', 'PortCRUDPayload'),
  'port.updated': () => done('port.update', 'PortCRUDPayload'),
  'port.deleted': () => done('port.delete', 'PortCRUDPayload'),
  'chassis.created': () => done('chassis.create', 'ChassisCRUDPayload'),
  'chassis.updated': () => done('chassis.update', 'ChassisCRUDPayload'),
  'chassis.deleted': () => done('chassis.delete', 'ChassisCRUDPayload'),
  'maintenance.changed': () => done('node.maintenance_set', 'NodePayload'),
  'power.changing': ({ target }) => [powerSet('start', target)],
  'power.failed': ({ target }) => [powerSet('error', target)],
  'power.changed': ({ target, from }) => [
    target === undefined
      ? {
          action: 'node.power_state_corrected',
          status: 'success',
          payload: 'NodeCorrectedPowerStatePayload',
          ofEvent: { from_power: from ?? null },
        }
      : powerSet('end', target),
  ],
  'provision.transition': ({ event, from, to, target, previous_target }) => [
    {
      action: 'node.provision_set',
      // As `advance` told it.
      status: provisionStatus(String(event), from as ProvisionState, to as ProvisionState),
      payload: 'NodeSetProvisionStatePayload',
      ofEvent: {
        event,
        previous_provision_state: from,
        previous_target_provision_state: previous_target ?? null,
      },
      thenSo: { provision_state: to, target_provision_state: target ?? null },
    },
  ],
};

/** The kinds of events that are told at all. */
export const toldKinds = Object.keys(tellings) as EventKind[];

/** A change that is one commit here begins and ends at once: both are told, as Ironic does around it. */
function done(action: string, payload: PayloadName): readonly Told[] {
  return [
    { action, status: 'start', payload },
    { action, status: 'end', payload },
  ];
}

function powerSet(status: Told['status'], target: unknown): Told {
  return {
    action: 'node.power_set',
    status,
    payload: 'NodeSetPowerStatePayload',
    ofEvent: { to_power: target },
  };
}

/** ironic conductor/notification_utils.py, emit_provision_set_notification. */
function provisionStatus(event: string, from: ProvisionState, to: ProvisionState): Told['status'] {
  if (event === 'fail' || event === 'error') return 'error';
  if (isStable(from) && !isStable(to)) return 'start';
  return !isStable(from) && isStable(to) ? 'end' : 'success';
}

/** What of an event is told where notifications of this level and above are. */
export function notificationsOf(event: StreamedEvent, subject: EventSubject, least: Level): Notification[] {
  return (tellings[event.kind]?.(event.data) ?? [])
    .filter(({ status }) => levels.indexOf(levelOf(status)) >= levels.indexOf(least))
    .map((told) => notification(event, subject, told));
}

function levelOf(status: Told['status']): Level {
  return status === 'error' ? 'error' : 'info';
}

function notification(event: StreamedEvent, subject: EventSubject, told: Told): Notification {
  const eventType = `baremetal.${told.action}.${told.status}`;
  const { version, members } = payloads[told.payload];
  const data = { ...subject.data, ...told.thenSo };
  return {
    message_id: stableUuid(`${event.cursor} ${event.at} ${eventType}`),
    publisher_id: subject.publisher,
    event_type: eventType,
    priority: levelOf(told.status).toUpperCase(),
    payload: {
      'ironic_object.name': told.payload,
      'ironic_object.namespace': 'ironic',
      'ironic_object.version': version,
      'ironic_object.data': {
        ...Object.fromEntries(
          members.map((name) => [name, wireValue(name, data[name as keyof typeof data])]),
        ),
        ...told.ofEvent,
      },
    },
    // As oslo.messaging writes it: `2026-01-01 00:00:00.000000`.
    timestamp: event.at.slice(0, 26).replace('T', ' '),
  };
}

/** Times in notifications are to the second, with a Z (oslo.versionedobjects). */
function wireValue(name: string, value: unknown): unknown {
  return name.endsWith('_at') && typeof value === 'string' ? `${value.slice(0, 19)}Z` : (value ?? null);
}

function stableUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
