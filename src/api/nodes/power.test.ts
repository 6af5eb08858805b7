import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Fault } from '#model/fault.ts';
import { maxMinor } from '#model/microversion.ts';
import { powerTargets } from '#model/power-states.ts';
import { allProvisionStates, type ProvisionState } from '#model/provision-states.ts';
import { planPower } from './power.ts';

function statusOf(
  target: string | null,
  timeoutSeconds: number | null,
  minor: number,
  state: ProvisionState,
) {
  try {
    planPower(
      { target, timeoutSeconds },
      { uuid: 'the-node', power_state: null, provision_state: state },
      minor,
    );
    return 202;
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error.status;
  }
}

it('a power target is accepted from its version on, but not while the node is being cleaned', () => {
  for (const [target, { since }] of Object.entries(powerTargets))
    for (const state of allProvisionStates)
      for (let minor = 1; minor <= maxMinor; minor += 1) {
        const isCleaned = state === 'cleaning' || state === 'clean wait';
        const expected = minor < since ? 406 : isCleaned ? 400 : 202;
        assert.equal(statusOf(target, null, minor, state), expected, `${target} in ${state} at 1.${minor}`);
      }
});

it('a timeout needs 1.27 and at least a second', () => {
  assert.equal(statusOf('power on', 5, 26, 'active'), 406);
  assert.equal(statusOf('power on', 5, 27, 'active'), 202);
  assert.equal(statusOf('power on', 0, 27, 'active'), 400);
  assert.equal(statusOf('power on', 0, 1, 'active'), 400);
  assert.equal(statusOf('soft power off', -1, 27, 'active'), 400);
});

it('what is no target is refused', () => {
  for (const target of ['on', 'POWER ON', '', 'error', 'constructor', null])
    assert.equal(statusOf(target, null, maxMinor, 'active'), 400);
});
