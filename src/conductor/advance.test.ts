import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { InvalidState } from '#model/faults.ts';
import {
  allProvisionStates,
  isStable,
  nextState,
  type ProvisionEvent,
  provisionTransitions,
  stateRow,
} from '#model/provision-states.ts';
import { advance } from './advance.ts';

const uuid = '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0001';
const now = Date.parse('2026-01-01T00:00:00Z');
const allEvents = [...new Set(provisionTransitions.map(({ event }) => event))];

describe('the target of a transition', () => {
  test('is the table’s when a flow begins', () => {
    const { columns } = advance(
      { uuid, provision_state: 'available', target_provision_state: null },
      'deploy',
      { now },
    );
    assert.equal(columns.provision_state, 'deploying');
    assert.equal(columns.target_provision_state, 'active');
    assert.equal(columns.provision_updated_at, '2026-01-01T00:00:00.000000+00:00');
  });

  test('is the caller’s where it names one, and is kept until the flow ends: cleaning by hand', () => {
    let node = {
      uuid,
      ...advance({ uuid, provision_state: 'manageable', target_provision_state: null }, 'clean', {
        now,
        target: 'manageable',
      }).columns,
    };
    for (const event of ['wait', 'resume', 'fail'] as const) {
      node = { uuid, ...advance(node, event, { now }).columns };
      assert.equal(node.target_provision_state, 'manageable', `after ${event}`);
    }
    assert.equal(node.provision_state, 'clean failed');
    assert.equal(advance(node, 'manage', { now }).columns.target_provision_state, null);
  });

  test('is gone where the node comes to rest', () => {
    const { columns } = advance(
      { uuid, provision_state: 'deploying', target_provision_state: 'active' },
      'done',
      { now },
    );
    assert.equal(columns.target_provision_state, null);
  });

  test('changes when another flow begins out of a wait', () => {
    const { columns } = advance(
      { uuid, provision_state: 'wait call-back', target_provision_state: 'active' },
      'delete',
      { now },
    );
    assert.equal(columns.target_provision_state, 'available');
  });
});

test('an event without a meaning in the state is refused with the state in words', () => {
  assert.throws(
    () => advance({ uuid, provision_state: 'active', target_provision_state: null }, 'provide', { now }),
    (error) => error instanceof InvalidState && error.message.includes("'active'"),
  );
});

test('on any walk through the table, a target stands exactly while something is under way', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...allProvisionStates),
      fc.array(fc.nat({ max: 1000 }), { maxLength: 60 }),
      (start, choices) => {
        let node: Parameters<typeof advance>[0] = {
          uuid,
          provision_state: start,
          target_provision_state: stateRow(start).target,
        };
        for (const choice of choices) {
          const from = node.provision_state;
          const possible = allEvents.filter((event) => nextState(from, event) !== undefined);
          const event = possible[choice % possible.length];
          assert.ok(event, `no way out of ${from}`);
          const { columns, told } = advance(node, event, { now });
          assert.equal(columns.target_provision_state === null, isStable(columns.provision_state));
          assert.deepEqual(told, { event, from, to: columns.provision_state });
          node = { uuid, ...columns };
        }
      },
    ),
  );
});

test('every event that a state does not know is refused', () => {
  for (const state of allProvisionStates) {
    const unknown = allEvents.filter((event: ProvisionEvent) => nextState(state, event) === undefined);
    for (const event of unknown)
      assert.throws(
        () => advance({ uuid, provision_state: state, target_provision_state: null }, event, { now }),
        InvalidState,
      );
  }
});
