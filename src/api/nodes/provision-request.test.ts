import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { Fault } from '#model/fault.ts';
import { InvalidStateRequested, NodeInMaintenance, NodeLocked, NotAcceptable } from '#model/faults.ts';
import { maxMinor } from '#model/microversion.ts';
import { allProvisionStates, type ProvisionState } from '#model/provision-states.ts';
import { allProvisionVerbs, type ProvisionVerb, verbFor, verbSince } from '#model/provision-verbs.ts';
import { planProvision, type ProvisionCall, type ProvisionRequest } from './provision-request.ts';

const none: ProvisionRequest = {
  target: null,
  configdrive: null,
  clean_steps: null,
  deploy_steps: null,
  service_steps: null,
  rescue_password: null,
  disable_ramdisk: null,
  runbook: null,
};

const step = { interface: 'deploy', step: 'erase_devices' };
const deployStep = { ...step, priority: 1, args: {} };

/** What each verb cannot do without. */
const needed: Partial<Record<ProvisionVerb, Partial<ProvisionRequest>>> = {
  clean: { clean_steps: [step] },
  service: { service_steps: [step] },
  rescue: { rescue_password: 'secret' },
};

const calls: Record<ProvisionVerb, ProvisionCall['name']> = {
  active: 'do_node_deploy',
  deploy: 'do_node_deploy',
  rebuild: 'do_node_deploy',
  deleted: 'do_node_tear_down',
  undeploy: 'do_node_tear_down',
  manage: 'do_provisioning_action',
  provide: 'do_provisioning_action',
  inspect: 'inspect_hardware',
  clean: 'do_node_clean',
  adopt: 'do_provisioning_action',
  abort: 'do_provisioning_action',
  rescue: 'do_node_rescue',
  unrescue: 'do_node_unrescue',
  unhold: 'do_provisioning_action',
  service: 'do_node_service',
};

interface Situation {
  state?: ProvisionState;
  minor?: number;
  maintenance?: boolean;
  reservation?: string | null;
  disallowed?: string[];
}

function plan(request: Partial<ProvisionRequest>, situation: Situation = {}): ProvisionCall {
  const { state = 'available', minor = maxMinor, maintenance = false, reservation = null } = situation;
  const disallowed = situation.disallowed ?? [];
  const node = { uuid: 'the-node', provision_state: state, maintenance, reservation };
  const rules = { clean: disallowed, deploy: disallowed, service: disallowed };
  return planProvision({ ...none, ...request }, node, minor, rules);
}

/** The status a client sees. */
function statusOf(request: Partial<ProvisionRequest>, situation: Situation = {}): number {
  try {
    plan(request, situation);
    return 202;
  } catch (error) {
    assert.ok(error instanceof Fault, `not a fault: ${String(error)}`);
    return error.status;
  }
}

describe('a provision request', () => {
  it('is accepted for each verb, in each state, from the versions of the table on, and refused otherwise', () => {
    for (const target of allProvisionVerbs)
      for (const state of allProvisionStates)
        for (let minor = 1; minor <= maxMinor; minor += 1) {
          const verb = verbFor(target);
          assert.ok(verb);
          const request = { target, ...needed[target] };
          const early = verb.versionChecked && !['unhold', 'service'].includes(target);
          const isAllowed = verb.allowedFrom.includes(state);
          const isOldEnough = !verb.versionChecked || minor >= verbSince(verb, state);
          const expected = early && minor < verb.since ? 406 : !isAllowed ? 400 : isOldEnough ? 202 : 406;
          assert.equal(statusOf(request, { state, minor }), expected, `${target} in ${state} at 1.${minor}`);
          if (expected === 202) assert.equal(plan(request, { state, minor }).name, calls[target]);
        }
  });

  it('is told as locked where the node is held and the verb has no meaning in its state', () => {
    const situation = { state: 'deploying', reservation: 'host-1' } as const;
    assert.throws(() => plan({ target: 'active' }, situation), NodeLocked);
    assert.throws(() => plan({ target: 'nonsense' }, situation), NodeLocked);
    assert.throws(() => plan({ target: 'nonsense' }), InvalidStateRequested);
    assert.throws(() => plan({ target: 'constructor' }), InvalidStateRequested);
    assert.throws(() => plan({}), InvalidStateRequested);
  });

  it('does not deploy in maintenance, and is told so before the state', () => {
    const situation = { state: 'enroll', maintenance: true } as const;
    for (const target of ['active', 'deploy', 'rebuild'])
      assert.throws(() => plan({ target }, situation), NodeInMaintenance);
    assert.equal(statusOf({ target: 'manage' }, situation), 202);
    assert.throws(() => plan({ target: 'deploy' }, { ...situation, minor: 72 }), NotAcceptable);
  });

  // Observed answers of the reference: body, state, version, status.
  const observed: [Partial<ProvisionRequest>, ProvisionState, number, number][] = [
    [{ target: 'active', deploy_steps: [deployStep] }, 'available', 68, 406],
    [{ target: 'active', deploy_steps: [deployStep] }, 'available', 69, 202],
    [{ target: 'active', configdrive: 'x' }, 'available', 1, 202],
    [{ target: 'active', configdrive: { meta_data: {} } }, 'available', 55, 400],
    [{ target: 'active', configdrive: { meta_data: {} } }, 'available', 56, 202],
    [{ target: 'active', configdrive: { vendor_data: {} } }, 'available', 58, 400],
    [{ target: 'active', configdrive: { vendor_data: {} } }, 'available', 59, 202],
    [{ target: 'rebuild', configdrive: 'x' }, 'active', 34, 400],
    [{ target: 'rebuild', configdrive: 'x' }, 'active', 35, 202],
    [{ target: 'deleted', configdrive: 'x' }, 'active', 90, 400],
    [{ target: 'deploy', configdrive: 'x' }, 'available', 90, 400],
    [{ target: 'deploy', deploy_steps: [deployStep] }, 'available', 90, 400],
    [{ target: 'clean' }, 'manageable', 90, 400],
    [{ target: 'clean', clean_steps: [] }, 'manageable', 92, 400],
    [{ target: 'clean', clean_steps: [{ interface: 'nope', step: 'x' }] }, 'manageable', 92, 400],
    [{ target: 'clean', clean_steps: [step], disable_ramdisk: true }, 'manageable', 69, 406],
    [{ target: 'clean', clean_steps: [step], disable_ramdisk: true }, 'manageable', 70, 202],
    [{ target: 'clean', runbook: 'x' }, 'manageable', 91, 406],
    [{ target: 'clean', runbook: 'x' }, 'manageable', 92, 404],
    [{ target: 'clean', runbook: 'x', clean_steps: [step] }, 'manageable', 92, 400],
    [{ target: 'service' }, 'active', 92, 400],
    [{ target: 'service', service_steps: [step], disable_ramdisk: true }, 'active', 107, 406],
    [{ target: 'service', service_steps: [step], disable_ramdisk: true }, 'active', 108, 202],
    [{ target: 'rescue' }, 'active', 90, 400],
    [{ target: 'rescue', rescue_password: '  ' }, 'active', 90, 400],
    [{ target: 'active', rescue_password: 'x' }, 'available', 90, 400],
    [{ target: 'active', clean_steps: [step] }, 'available', 90, 400],
    [{ target: 'manage', disable_ramdisk: true }, 'enroll', 90, 400],
    [{ target: 'abort' }, 'inspect wait', 40, 406],
    [{ target: 'abort' }, 'wait call-back', 109, 406],
    [{ target: 'abort' }, 'wait call-back', 110, 202],
  ];
  for (const [request, state, minor, status] of observed)
    it(`is answered ${status} for ${JSON.stringify(request)} in ${state} at 1.${minor}`, () => {
      assert.equal(statusOf(request, { state, minor }), status);
    });

  it('hands on what it was given', () => {
    const configdrive = { meta_data: { a: 1 }, user_data: 'text', network_data: {} };
    const deploy = plan({ target: 'active', configdrive, deploy_steps: [{ ...deployStep, priority: '7' }] });
    assert.deepEqual(deploy.args, {
      rebuild: false,
      configdrive,
      steps: [{ interface: 'deploy', step: 'erase_devices', args: {}, priority: 7 }],
    });
    const empty = plan({ target: 'rebuild', configdrive: '', deploy_steps: [] }, { state: 'active' });
    assert.deepEqual(empty.args, { rebuild: true, configdrive: null, steps: undefined });
    const rescue = plan({ target: 'rescue', rescue_password: ' pw ' }, { state: 'active' });
    assert.deepEqual(rescue.args, { rescuePassword: ' pw ' });
  });

  it('refuses steps that the operator forbids, and hands on for which children steps are meant', () => {
    const request = { target: 'clean', clean_steps: [{ interface: 'vendor', step: 'send_raw' }] };
    assert.equal(statusOf(request, { state: 'manageable' }), 202);
    assert.equal(statusOf(request, { state: 'manageable', disallowed: ['vendor.send_raw'] }), 400);
    const uuid = '6a1f3b44-3f6e-4f0e-9d0f-1f0a1d1c0001';
    const onChildren = (limit: unknown) => ({
      target: 'clean',
      clean_steps: [{ ...step, execute_on_child_nodes: true, limit_child_node_execution: limit }],
    });
    const { args } = plan(onChildren([uuid]), { state: 'manageable' });
    assert.deepEqual('steps' in args && args.steps?.[0]?.onChildren, [uuid]);
    for (const limit of ['all', [1], ['child-1']])
      assert.equal(statusOf(onChildren(limit), { state: 'manageable' }), 400);
  });

  it('refuses more steps than anybody writes down', () => {
    const cleaning = (count: number) => ({
      target: 'clean',
      clean_steps: Array.from({ length: count }, () => step),
    });
    assert.equal(statusOf(cleaning(1000), { state: 'manageable' }), 202);
    assert.equal(statusOf(cleaning(1001), { state: 'manageable' }), 400);
    const named = (name: string) => ({ target: 'clean', clean_steps: [{ ...step, step: name }] });
    assert.equal(statusOf(named('x'.repeat(255)), { state: 'manageable' }), 202);
    assert.equal(statusOf(named('x'.repeat(256)), { state: 'manageable' }), 400);
  });

  it('is answered with a call or a fault below 500, whatever it holds', () => {
    const json = fc.jsonValue();
    const steps = fc.oneof(fc.constant(null), fc.array(fc.oneof(json, fc.constant(step))));
    const request = fc.record({
      target: fc.oneof(fc.constantFrom(...allProvisionVerbs), fc.string()),
      configdrive: fc.oneof(fc.constant(null), fc.string(), fc.dictionary(fc.string(), json)),
      clean_steps: steps,
      deploy_steps: steps,
      service_steps: steps,
      rescue_password: fc.option(fc.string()),
      disable_ramdisk: fc.option(fc.boolean()),
      runbook: fc.option(fc.string()),
    });
    const state = fc.constantFrom(...allProvisionStates);
    fc.assert(
      fc.property(request, state, fc.integer({ min: 1, max: maxMinor }), (given, state, minor) => {
        const status = statusOf(given, { state, minor });
        assert.ok(status < 500);
      }),
    );
  });
});
