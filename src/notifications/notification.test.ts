import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadSettings } from '#config/settings.ts';
import type { EventKind, StreamedEvent } from '#db/events.ts';
import { aNode } from '#drivers/testing/a-task.ts';
import { notificationsOf } from './notification.ts';
import { nodeSubject } from './subject.ts';

const { settings } = loadSettings(undefined, { DEFAULT: { notification_level: 'info', host: 'c1' } });
const at = '2026-01-02T03:04:05.678000+00:00';

function anEvent(kind: EventKind, data: Record<string, unknown> = {}): StreamedEvent {
  return {
    id: 7,
    at,
    kind,
    node_uuid: 'n',
    operation_id: null,
    request_id: null,
    data,
    cursor: '0-7',
    owner: null,
    lessee: null,
  };
}

const subject = nodeSubject(
  settings,
  'conductor',
  aNode({
    created_at: at,
    provision_state: 'active',
    driver_info: { redfish_address: 'https://bmc', redfish_password: 'hunter2', snmp_auth_key: 'hunter2' },
    instance_info: {
      image_url: 'https://hunter2',
      image_source: 'https://me:hunter2@images/disk.img?signature=hunter2',
      configdrive: 'hunter2',
      capabilities: 'a',
    },
    driver_internal_info: { agent_secret_token: 'hunter2', clean_steps: null },
    extra: { password: 'hunter2' },
  }),
)!; // Notifications are sent.

const told = (kind: EventKind, data?: Record<string, unknown>): string[] =>
  notificationsOf(anEvent(kind, data), subject, 'info').map(({ event_type }) => event_type);

for (const [what, kind, data, types] of [
  ['a new node', 'node.created', {}, ['node.create.start', 'node.create.end']],
  ['a changed node', 'node.updated', {}, ['node.update.start', 'node.update.end']],
  ['a node that is gone', 'node.deleted', {}, ['node.delete.start', 'node.delete.end']],
  ['a new port', 'port.created', {}, ['port.create.start', 'port.create.end']],
  ['a chassis that is gone', 'chassis.deleted', {}, ['chassis.delete.start', 'chassis.delete.end']],
  ['maintenance', 'maintenance.changed', {}, ['node.maintenance_set.start', 'node.maintenance_set.end']],
  ['power that is to change', 'power.changing', { target: 'reboot' }, ['node.power_set.start']],
  ['power that changed', 'power.changed', { target: 'power on' }, ['node.power_set.end']],
  ['power that did not change', 'power.failed', { target: 'power on' }, ['node.power_set.error']],
  [
    'power found otherwise',
    'power.changed',
    { power_state: 'power off', from: 'power on' },
    ['node.power_state_corrected.success'],
  ],
  [
    'a beginning',
    'provision.transition',
    { event: 'deploy', from: 'available', to: 'deploying' },
    ['node.provision_set.start'],
  ],
  [
    'a wait',
    'provision.transition',
    { event: 'wait', from: 'deploying', to: 'wait call-back' },
    ['node.provision_set.success'],
  ],
  [
    'an end',
    'provision.transition',
    { event: 'done', from: 'deploying', to: 'active' },
    ['node.provision_set.end'],
  ],
  [
    'a failure',
    'provision.transition',
    { event: 'fail', from: 'deploying', to: 'deploy failed' },
    ['node.provision_set.error'],
  ],
  ['a step', 'step.started', {}, []],
] as const)
  it(`tells of ${what}: ${types.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(
      told(kind, data),
      types.map((type) => `baremetal.${type}`),
    );
  });

it('tells of a transition in the envelope and with the payload that are published', () => {
  const data = {
    event: 'done',
    from: 'deploying',
    to: 'active',
    target: null,
    previous_target: 'active',
  };
  const [one] = notificationsOf(anEvent('provision.transition', data), subject, 'info');
  assert.ok(one);
  assert.match(one.message_id, /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/);
  assert.deepEqual(
    { ...one, message_id: '', payload: { ...one.payload, 'ironic_object.data': {} } },
    {
      message_id: '',
      publisher_id: 'ironic-conductor.c1',
      event_type: 'baremetal.node.provision_set.end',
      priority: 'INFO',
      payload: {
        'ironic_object.name': 'NodeSetProvisionStatePayload',
        'ironic_object.namespace': 'ironic',
        'ironic_object.version': '1.18',
        'ironic_object.data': {},
      },
      timestamp: '2026-01-02 03:04:05.678000',
    },
  );
  const told = one.payload['ironic_object.data'];
  assert.equal(told['created_at'], '2026-01-02T03:04:05Z');
  assert.deepEqual(
    [told['event'], told['previous_provision_state'], told['previous_target_provision_state']],
    ['done', 'deploying', 'active'],
  );
  assert.equal(told['updated_at'], null);
  assert.ok(!('driver_info' in told) && 'instance_info' in told);
});

it('tells each transition of one commit with the state it led to', () => {
  const states = ['deploying', 'active'].map((to) => {
    const data = { event: 'done', from: 'available', to, target: to === 'active' ? null : 'active' };
    const [one] = notificationsOf(anEvent('provision.transition', data), subject, 'info');
    const { provision_state: state, target_provision_state: target } = one!.payload['ironic_object.data'];
    return [state, target];
  });
  assert.deepEqual(states, [
    ['deploying', 'active'],
    ['active', null],
  ]);
});

it('tells of failures only, where errors are asked for', () => {
  const failure = anEvent('power.failed', { target: 'power on' });
  assert.deepEqual(
    notificationsOf(failure, subject, 'error').map(({ priority }) => priority),
    ['ERROR'],
  );
  assert.deepEqual(notificationsOf(anEvent('node.created'), subject, 'warning'), []);
  assert.deepEqual(notificationsOf(failure, subject, 'critical'), []);
});

it('gives a notification the same id each time, and two never the same', () => {
  const ids = (event: StreamedEvent): string[] =>
    notificationsOf(event, subject, 'info').map(({ message_id }) => message_id);
  const created = anEvent('node.created');
  assert.deepEqual(ids(created), ids(created));
  assert.equal(new Set([...ids(created), ...ids({ ...created, cursor: '0-8' })]).size, 4);
});

it('holds no secret', () => {
  assert.ok(!JSON.stringify(subject).includes('hunter2'));
  const kept = subject.data['driver_info'] as Record<string, unknown>;
  assert.equal(kept['redfish_address'], 'https://bmc');
  assert.equal(kept['redfish_password'], '******');
  const { image_source } = subject.data['instance_info'] as Record<string, unknown>;
  assert.equal(image_source, 'https://******@images/disk.img?******');
});

it('is not made where none are sent', () => {
  const { settings: silent } = loadSettings();
  assert.equal(nodeSubject(silent, 'conductor', aNode()), undefined);
});
