// The tables beside the facts they were made from, where those are at hand.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { maxMinor } from './microversion.ts';
import {
  allNodeFields,
  nodeField,
  nodeListFields,
  nodePatchPolicies,
  nodeStatesFields,
} from './node-fields.ts';
import { allPortFields, portField } from './port-fields.ts';
import { faultClasses } from './fault-wire.ts';
import {
  allProvisionStates,
  isFailed,
  isLookupAllowed,
  isProvisionState,
  isStable,
  isWaiting,
  nextState,
  type ProvisionEvent,
  provisionTransitions,
  stateRow,
} from './provision-states.ts';
import { allProvisionVerbs, verbFor } from './provision-verbs.ts';
import { bootDevices, interfaceTypes, isPowerTarget, powerTargets } from './power-states.ts';
import type { FieldRow } from './resource-fields.ts';

const folder = join(import.meta.dirname, '../../../shared/spec');
const minor = (version: string) => Number(version.split('.')[1]);

interface SpecField {
  name: string;
  min_version: string;
  nullable?: boolean;
  create: boolean;
  required_on_create: boolean;
  patch: boolean;
  in_default_list: boolean;
  patch_states?: string[];
  patch_node_states?: string[];
}

if (existsSync(folder)) {
  // The files' shapes are stated in the README beside them.
  // oxlint-disable-next-line typescript/no-explicit-any
  const spec = (name: string): any => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));

  describe('the provision table agrees with the reference', () => {
    const machine = spec('state-machine');

    for (const theirs of machine.states)
      test(theirs.name, () => {
        assert.ok(isProvisionState(theirs.name));
        const ours = stateRow(theirs.name);
        assert.equal(isStable(theirs.name), theirs.stable);
        assert.equal(isWaiting(theirs.name), theirs.wait);
        assert.equal(isFailed(theirs.name), theirs.failure);
        assert.equal(ours.kind === 'held', theirs.hold);
        assert.equal(ours.target, theirs.target);
        assert.equal(ours.allows.includes('update'), theirs.update_allowed);
        assert.equal(ours.allows.includes('delete'), theirs.delete_allowed);
        assert.equal(isLookupAllowed(theirs.name, { fastTrack: false }), theirs.ramdisk_lookup_allowed);
        assert.equal(
          isLookupAllowed(theirs.name, { fastTrack: true }),
          theirs.ramdisk_lookup_allowed_fast_track,
        );
        assert.equal(ours.whenConductorDies.ironic === 'fail', theirs.stuck_on_conductor_start_fails);
        assert.equal(!ours.powerSync, theirs.excluded_from_power_sync);
        assert.equal(ours.since, minor(theirs.introduced_in ?? '1.1'));
        const timeout = machine.timeouts.find((each: { state: string }) => each.state === theirs.name);
        assert.equal(ours.timeout?.option, timeout?.option.replace('[conductor]', ''));
      });

    test('in its states and transitions, and in no others', () => {
      assert.equal(allProvisionStates.length, machine.states.length);
      assert.equal(provisionTransitions.length, machine.transitions.length);
      for (const { from, event, to, target_after } of machine.transitions) {
        assert.ok(isProvisionState(from));
        // The event's name comes from the file; an unknown one simply leads nowhere.
        assert.equal(nextState(from, event as ProvisionEvent), to);
        assert.equal(isProvisionState(to) && stateRow(to).target, target_after);
      }
    });

    test('in its verbs', () => {
      const theirs = machine.verbs;
      assert.equal(allProvisionVerbs.length, theirs.length);
      for (const verb of theirs) {
        const ours = verbFor(verb.target);
        assert.ok(ours, verb.target);
        assert.equal(ours.event, verb.event);
        assert.equal(ours.since, minor(verb.min_version));
        assert.equal(ours.versionChecked, verb.min_version_enforced);
        assert.deepEqual(ours.allowedFrom.toSorted(), verb.allowed_from.toSorted());
        assert.deepEqual(Object.keys(ours.parameters).toSorted(), verb.parameters.toSorted());
      }
    });

    test('in what power can be told', () => {
      assert.equal(Object.keys(powerTargets).length, machine.power.targets.length);
      for (const { target, min_version, target_power_state } of machine.power.targets) {
        assert.ok(isPowerTarget(target));
        assert.equal(powerTargets[target].since, minor(min_version));
        assert.equal(powerTargets[target].reaches, target_power_state);
        assert.equal(
          powerTargets[target].skippedWhenThere,
          machine.power.skip_when_already_in_state.includes(target),
        );
      }
      assert.deepEqual(bootDevices, machine.boot_devices);
    });
  });

  describe('the field tables agree with the reference', () => {
    const { resources } = spec('resource-fields');
    const views: { view: string; keys_at_max: string[] }[] = spec('response-keys').views;
    const keys = (view: string) => views.find((each) => each.view === view)?.keys_at_max;

    const compare = (theirs: SpecField, ours: FieldRow) => {
      assert.equal(ours.since, minor(theirs.min_version));
      assert.equal(ours.nullable, theirs.nullable ?? false);
      assert.equal(ours.create !== undefined, theirs.create);
      assert.equal(ours.create === 'required', theirs.required_on_create);
      assert.equal(ours.patch !== undefined, theirs.patch);
      assert.equal(ours.inList ?? false, theirs.in_default_list);
      const states = theirs.patch_states ?? theirs.patch_node_states;
      if (states) assert.deepEqual(ours.patch, states);
    };

    for (const theirs of resources.node.fields)
      test(`node ${theirs.name}`, () => {
        compare(theirs, nodeField(theirs.name));
      });
    for (const theirs of resources.port.fields)
      test(`port ${theirs.name}`, () => {
        compare(theirs, portField(theirs.name));
      });

    test('in the order of answers', () => {
      assert.deepEqual(allNodeFields, keys('node (single)'));
      assert.deepEqual(nodeListFields, keys('node (list)'));
      assert.deepEqual(nodeStatesFields, keys('node states'));
      assert.deepEqual(allPortFields, keys('port (single)'));
    });

    test('in the policies of patched paths', () => {
      const theirs = resources.node.patch_policy.filter(({ path_prefix }: { path_prefix: string }) =>
        /^\/\w+$/.test(path_prefix),
      );
      assert.deepEqual(
        nodePatchPolicies.map(({ prefix, policy }) => ({ path_prefix: prefix, policy })),
        theirs,
      );
    });
  });

  test('versions end where the reference ends', () => {
    assert.equal(
      Math.max(...spec('microversions').versions.map((each: { minor: number }) => each.minor)),
      maxMinor,
    );
  });

  test('interface types are those of the reference', () => {
    const theirs = spec('driver-interfaces').interfaces.map((each: { type: string }) => each.type);
    assert.deepEqual(interfaceTypes.toSorted(), theirs.toSorted());
  });

  test('every fault has the status published under its name', () => {
    const published: { name: string; http_status: number }[] = spec('errors').exceptions;
    const statuses = new Map(published.map(({ name, http_status }) => [name, http_status]));
    statuses.set('IronicException', 500);
    // Of what is below /ingot/v1, which the reference does not have.
    const own = ['EventsGone', 'NothingToCancel'];
    assert.deepEqual([...faultClasses.keys()].filter((name) => !statuses.has(name)).toSorted(), own);
    for (const [name, { status }] of faultClasses)
      if (!own.includes(name)) assert.equal(status, statuses.get(name), name);
  });
}
