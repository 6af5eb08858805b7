import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  allProvisionStates,
  isDeleteAllowed,
  isFailed,
  isLookupAllowed,
  isStable,
  isUpdateAllowed,
  isWaiting,
  isWorking,
  nextState,
  type ProvisionState,
  provisionTransitions,
  stateAsShown,
  stateRow,
} from './provision-states.ts';
import {
  allProvisionVerbs,
  conductorTransitions,
  provisionVerbs,
  verbFor,
  verbSince,
} from './provision-verbs.ts';

/** The states one can come to from a state by any events. */
function reachable(from: ProvisionState): Set<ProvisionState> {
  const seen = new Set<ProvisionState>([from]);
  for (const state of seen)
    for (const transition of provisionTransitions) if (transition.from === state) seen.add(transition.to);
  return seen;
}

describe('for every provision state', () => {
  for (const state of allProvisionStates) {
    const row = stateRow(state);

    test(`${state} can be reached from enroll, and left for manageable`, () => {
      assert.ok(reachable('enroll').has(state));
      assert.ok(reachable(state).has('manageable'));
    });

    test(`${state} has a target exactly when something is under way`, () => {
      assert.equal(row.target === null, isStable(state));
    });

    if (isWorking(state) || isWaiting(state))
      test(`${state} can fail, into a state where the operator has the next word`, () => {
        const failed = nextState(state, 'fail');
        assert.ok(failed !== undefined && (isFailed(failed) || isStable(failed)));
      });

    if (isWorking(state))
      test(`${state} can end well, and goes on after a conductor's death`, () => {
        assert.ok(nextState(state, 'done') ?? nextState(state, 'clean'));
        assert.deepEqual(row.whenConductorDies, { ironic: 'fail', ingot: 'resume' });
      });

    if (isWaiting(state))
      test(`${state} times out, can be resumed, and can be left by the operator`, () => {
        assert.ok(row.timeout);
        assert.ok(nextState(state, 'resume'));
        assert.ok(nextState(state, 'abort'));
        assert.equal(row.whenConductorDies.ingot, 'wait');
      });
    else
      test(`${state} is not left by a time limit`, () => {
        assert.equal(row.timeout, null);
      });

    if (row.kind === 'held')
      test(`${state} is left by unhold or abort`, () => {
        assert.ok(nextState(state, 'unhold'));
        assert.ok(nextState(state, 'abort'));
      });

    if (row.heartbeat.startsWith('continue') || row.heartbeat === 'finish rescue')
      test(`${state} lets the agent look up the node it heartbeats for`, () => {
        assert.ok(isWaiting(state));
        assert.ok(isLookupAllowed(state, { fastTrack: false }));
      });

    if (isFailed(state) || isStable(state))
      test(`${state} offers the operator a verb`, () => {
        assert.ok(allProvisionVerbs.some((verb) => allowedFrom(verb).includes(state)));
      });
  }
});

function allowedFrom(verb: (typeof allProvisionVerbs)[number]): readonly ProvisionState[] {
  return provisionVerbs[verb].allowedFrom;
}

describe('for every verb', () => {
  for (const verb of allProvisionVerbs) {
    const row = provisionVerbs[verb];

    test(`${verb} leads somewhere from every state that allows it`, () => {
      for (const from of row.allowedFrom) assert.ok(nextState(from, row.event), from);
    });

    test(`${verb} is allowed wherever its event is not the conductor's alone`, () => {
      const fromTable = provisionTransitions
        .filter((each) => each.event === row.event && !conductorTransitions.includes(each))
        .map(({ from }) => from);
      assert.deepEqual(row.allowedFrom.toSorted(), fromTable.toSorted());
    });

    test(`${verb} is no younger than its parameters`, () => {
      for (const since of Object.values(row.parameters)) assert.ok(since >= row.since);
    });
  }

  test('an alias does what the verb it stands for does', () => {
    for (const target of allProvisionVerbs) {
      const row = verbFor(target);
      if (!row?.aliasOf) continue;
      assert.equal(row.event, provisionVerbs[row.aliasOf].event);
      assert.deepEqual(row.allowedFrom, provisionVerbs[row.aliasOf].allowedFrom);
    }
  });

  test('an internal event, a prototype name and nonsense are no verbs', () => {
    for (const target of ['fail', 'done', 'delete', 'toString', '__proto__', ''])
      assert.equal(verbFor(target), undefined);
  });

  test('abort came later where a deployment or an inspection waits', () => {
    const abort = provisionVerbs.abort;
    assert.equal(verbSince(abort, 'clean wait'), 13);
    assert.equal(verbSince(abort, 'inspect wait'), 41);
    assert.equal(verbSince(abort, 'wait call-back'), 110);
  });
});

test('whatever happens to a node, a walk of any length never leaves the table and always finds a way home', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 60 }), (choices) => {
      let state: ProvisionState = 'enroll';
      for (const choice of choices) {
        const ways = provisionTransitions.filter(({ from }) => from === state);
        assert.notEqual(ways.length, 0, `${state} is a dead end`);
        const way = ways[choice % ways.length];
        assert.ok(way);
        assert.equal(nextState(state, way.event), way.to);
        assert.equal(way.targetAfter, stateRow(way.to).target);
        state = way.to;
      }
      assert.ok(reachable(state).has('available'));
    }),
  );
});

test('available is only ever reached through cleaning', () => {
  const before = provisionTransitions.filter(({ to }) => to === 'available').map(({ from }) => from);
  assert.deepEqual(before, ['cleaning']);
});

test('a node in the middle of something is updated only where the table says so', () => {
  assert.ok(isUpdateAllowed('active', null));
  assert.ok(!isUpdateAllowed('deploying', 'active'));
  assert.ok(isUpdateAllowed('deploy failed', 'active'));
});

test('an available node is deleted only by leave of the option', () => {
  assert.ok(!isDeleteAllowed('available', { allowAvailable: false }));
  assert.ok(isDeleteAllowed('available', { allowAvailable: true }));
  assert.ok(!isDeleteAllowed('active', { allowAvailable: true }));
});

test('fast track lets agents look up nodes that wait for work, and never fewer than without', () => {
  assert.ok(!isLookupAllowed('available', { fastTrack: false }));
  assert.ok(isLookupAllowed('available', { fastTrack: true }));
  for (const state of allProvisionStates)
    if (isLookupAllowed(state, { fastTrack: false })) assert.ok(isLookupAllowed(state, { fastTrack: true }));
});

test('states younger than a client are shown as what it knows', () => {
  assert.equal(stateAsShown('available', 1), null);
  assert.equal(stateAsShown('available', 2), 'available');
  assert.equal(stateAsShown('inspect wait', 38), 'inspecting');
  assert.equal(stateAsShown('inspect wait', 39), 'inspect wait');
  assert.equal(stateAsShown('service wait', 1), 'service wait');
});
