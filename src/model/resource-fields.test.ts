import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maxMinor, minMinor } from './microversion.ts';
import {
  allNodeFields,
  type NodeField,
  nodeField,
  nodeFieldsNotSelectable,
  nodeListFields,
  nodePatchPolicy,
  nodeSortKeys,
} from './node-fields.ts';
import type { NodeRecord } from './node-record.ts';
import { allPortFields, type PortField, portField, portListFields } from './port-fields.ts';
import type { PortRecord } from './port-record.ts';
import { interfaceTypes } from './power-states.ts';
import { isPatchable } from './resource-fields.ts';

// What stands in a record and not on the wire, and the other way round; the compiler compares the two.
type NodeInternals = 'id' | 'reservation_epoch' | 'conductor_affinity';
type NodeComputed = 'links' | 'conductor' | 'ports' | 'states' | 'portgroups' | 'volume';
true satisfies Same<Exclude<keyof NodeRecord, NodeInternals>, Exclude<NodeField, NodeComputed>>;
true satisfies Same<Exclude<keyof PortRecord, 'id'>, Exclude<PortField, 'links'>>;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

const tables = [
  {
    resource: 'node',
    fields: allNodeFields.map((name) => ({ name, ...nodeField(name) })),
    list: nodeListFields,
  },
  {
    resource: 'port',
    fields: allPortFields.map((name) => ({ name, ...portField(name) })),
    list: portListFields,
  },
];

for (const { resource, fields, list } of tables) {
  describe(`for every field of a ${resource}`, () => {
    for (const field of fields)
      test(`${field.name} is consistent`, () => {
        assert.ok(field.since >= minMinor && field.since <= maxMinor);
        if (field.type === 'links') assert.ok(field.origin === 'links' && !field.create && !field.patch);
        if (field.maxLength !== undefined) assert.equal(field.type, 'string');
        if (field.type === 'datetime') assert.ok(!field.create && !field.patch);
        if (field.values && typeof field.default === 'string')
          assert.ok(field.values.includes(field.default));
      });
  });

  test(`the plain list of ${resource}s shows the fields marked for it`, () => {
    const marked = fields.filter(({ inList }) => inList).map(({ name }): string => name);
    assert.deepEqual(list.toSorted(), marked.toSorted());
  });

  test(`each answer about a ${resource} begins with its uuid`, () => {
    assert.equal(fields[0]?.name, 'uuid');
    assert.equal(list[0], 'uuid');
  });
}

test('every interface type has its field, changed only where nothing depends on it', () => {
  for (const type of interfaceTypes) {
    const field = nodeField(`${type}_interface`);
    assert.ok(isPatchable(field, 'manageable'));
    assert.ok(!isPatchable(field, 'active'));
  }
});

test('lists are sorted by plain columns only', () => {
  assert.ok(nodeSortKeys.includes('provision_updated_at'));
  for (const name of ['driver_info', 'traits', 'links', 'conductor', 'chassis_uuid'] as const)
    assert.ok(!nodeSortKeys.includes(name), name);
});

test('no field that may not be selected can be written', () => {
  for (const name of nodeFieldsNotSelectable) assert.ok(!nodeField(name).patch && !nodeField(name).create);
});

test('the policy of a patched path is that of its longest known beginning', () => {
  assert.equal(nodePatchPolicy('/driver_info/redfish_password'), 'baremetal:node:update:driver_info');
  assert.equal(nodePatchPolicy('/driver'), 'baremetal:node:update:driver_interfaces');
  assert.equal(nodePatchPolicy('/boot_interface'), 'baremetal:node:update:driver_interfaces');
  assert.equal(nodePatchPolicy('/automated_clean', false), 'baremetal:node:disable_cleaning');
  assert.equal(nodePatchPolicy('/automated_clean', true), 'baremetal:node:update');
  assert.equal(nodePatchPolicy('/description'), 'baremetal:node:update');
});
