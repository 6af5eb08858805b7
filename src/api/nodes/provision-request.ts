// What PUT states/provision may be asked of a node, and the one call to its conductor that follows.
import {
  ClientSideError,
  InvalidParameterValue,
  InvalidStateRequested,
  NodeInMaintenance,
  NodeLocked,
  NotAcceptable,
  NotFound,
} from '#model/faults.ts';
import { isJsonObject } from '#model/json-object.ts';
import { hasFeature, versionText } from '#model/microversion.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { type ProvisionVerbRow, type VerbParameter, verbFor, verbSince } from '#model/provision-verbs.ts';
import type { ConductorCallName, ConductorCalls } from '#protocol/rpc.ts';
import { parseSteps, type StepKind } from './provision-steps.ts';

/** The arguments of the request, of the right types but not yet judged. Null: not given. */
export interface ProvisionRequest {
  target: string | null;
  configdrive: string | Record<string, unknown> | null;
  clean_steps: unknown[] | null;
  deploy_steps: unknown[] | null;
  service_steps: unknown[] | null;
  rescue_password: string | null;
  disable_ramdisk: boolean | null;
  runbook: string | null;
}

/** Which steps no request may name: `[api]disallow_*_steps`. */
export type DisallowedSteps = Readonly<Record<StepKind, readonly string[]>>;

type ProvisionCallName = Extract<
  ConductorCallName,
  | 'do_node_deploy'
  | 'do_node_tear_down'
  | 'do_node_clean'
  | 'do_node_service'
  | 'do_node_rescue'
  | 'do_node_unrescue'
  | 'inspect_hardware'
  | 'do_provisioning_action'
>;

/** A call to the conductor, all but the node. */
export type ProvisionCall = {
  [Name in ProvisionCallName]: { name: Name; args: Omit<ConductorCalls[Name]['args'], 'node'> };
}[ProvisionCallName];

type JudgedNode = Pick<NodeRecord, 'uuid' | 'provision_state' | 'maintenance' | 'reservation'>;

/**
 * The call that does what the request asks. Throws the fault a client is told, checking in the reference's order:
 * the verb's version, maintenance, the state, the parameters, and last the versions of `unhold`, `service` and
 * the younger aborts. What only the holder of the node can know is left to the conductor.
 */
export function planProvision(
  request: ProvisionRequest,
  node: JudgedNode,
  minor: number,
  disallowed: DisallowedSteps,
): ProvisionCall {
  const target = request.target ?? 'None';
  const verb = verbFor(target);
  if (verb?.versionChecked && !isCheckedLate(verb)) checkVersion(minor, verb.since, `the target ${target}`);
  if (node.maintenance && (verb?.event === 'deploy' || verb?.event === 'rebuild'))
    throw new NodeInMaintenance({ op: 'provisioning', node: node.uuid });
  if (!verb?.allowedFrom.includes(node.provision_state)) {
    if (node.reservation !== null) throw new NodeLocked({ node: node.uuid, host: node.reservation });
    throw new InvalidStateRequested({ action: target, node: node.uuid, state: node.provision_state });
  }
  checkParameters(request, target, verb, minor);
  if (verb.versionChecked) {
    const what = `the target ${target} for a node in ${node.provision_state}`;
    checkVersion(minor, verbSince(verb, node.provision_state), what);
  }
  return callFor(request, target, verb, disallowed);
}

/** These are looked at after the state, unlike all others (ironic api/controllers/v1/node.py, 2026.2). */
function isCheckedLate(verb: ProvisionVerbRow): boolean {
  return verb.event === 'unhold' || verb.event === 'service';
}

function checkVersion(minor: number, since: number, what: string): void {
  if (minor >= since) return;
  throw new NotAcceptable(
    `Request not acceptable: ${what} needs at least API version ${versionText(since)}.`,
  );
}

/** Parameters whose absence of version is told as 406; of the others as 400 (observed). */
const versionedAs406: readonly VerbParameter[] = ['deploy_steps', 'disable_ramdisk', 'runbook'];

/** The first version (its minor) that knew each of them for any verb. */
const firstSeen: Partial<Record<VerbParameter, number>> = {
  deploy_steps: 69,
  disable_ramdisk: 70,
  runbook: 92,
};

const parameterNames = [
  'configdrive',
  'disable_ramdisk',
  'deploy_steps',
  'clean_steps',
  'service_steps',
  'rescue_password',
  'runbook',
] as const satisfies readonly VerbParameter[];

function checkParameters(
  request: ProvisionRequest,
  target: string,
  verb: ProvisionVerbRow,
  minor: number,
): void {
  for (const name of parameterNames) {
    if (!isGiven(request, name)) continue;
    const since = verb.parameters[name];
    if (versionedAs406.includes(name)) checkVersion(minor, since ?? firstSeen[name] ?? 0, name);
    // A parameter as old as its verb goes with the verb's own version.
    if (since === undefined || (since > verb.since && minor < since))
      throw new ClientSideError(`"${name}" is not valid with the target ${target} in this API version.`);
  }
  checkConfigdrive(request.configdrive, minor);
  if (request.runbook !== null) {
    if (isGiven(request, 'clean_steps') || isGiven(request, 'service_steps'))
      throw new InvalidParameterValue('A runbook and explicit steps can not be given together.');
    throw new NotFound(`Runbook ${request.runbook} could not be found.`);
  }
}

/** Empty texts, objects and lists count as not given, but for what is a request's only content. */
function isGiven(request: ProvisionRequest, name: VerbParameter): boolean {
  const value = request[name];
  if (value === null) return false;
  if (name === 'configdrive' || name === 'deploy_steps') return Object.keys(value).length > 0;
  return true;
}

const configdriveKeys = ['meta_data', 'network_data', 'user_data', 'vendor_data'];

function checkConfigdrive(configdrive: ProvisionRequest['configdrive'], minor: number): void {
  if (configdrive === null || typeof configdrive === 'string') return;
  const keys = Object.keys(configdrive);
  if (keys.length > 0 && !hasFeature(minor, 'configdriveObject'))
    throw new ClientSideError('A configdrive given as an object needs at least API version 1.56.');
  if (keys.includes('vendor_data') && !hasFeature(minor, 'vendorData'))
    throw new ClientSideError('vendor_data in a configdrive needs at least API version 1.59.');
  for (const key of keys) {
    if (!configdriveKeys.includes(key))
      throw new ClientSideError(`A configdrive has no "${key}"; it may have ${configdriveKeys.join(', ')}.`);
    const part = configdrive[key];
    const isUserData = key === 'user_data' && (typeof part === 'object' || typeof part === 'string');
    if (!isJsonObject(part) && !isUserData)
      throw new ClientSideError(
        `"${key}" of the configdrive is to be an object${key === 'user_data' ? ', a list or a text' : ''}.`,
      );
  }
}

function callFor(
  request: ProvisionRequest,
  target: string,
  verb: ProvisionVerbRow,
  disallowed: DisallowedSteps,
): ProvisionCall {
  switch (verb.event) {
    case 'deploy':
    case 'rebuild':
      return {
        name: 'do_node_deploy',
        args: {
          rebuild: verb.event === 'rebuild',
          configdrive: isGiven(request, 'configdrive') ? request.configdrive : null,
          steps: isGiven(request, 'deploy_steps')
            ? parseSteps(request.deploy_steps, 'deploy', disallowed.deploy)
            : undefined,
        },
      };
    case 'delete':
      return { name: 'do_node_tear_down', args: {} };
    case 'clean':
      return {
        name: 'do_node_clean',
        args: {
          steps: neededSteps(request.clean_steps, 'clean', disallowed),
          disableRamdisk: request.disable_ramdisk ?? false,
        },
      };
    case 'service':
      return {
        name: 'do_node_service',
        args: {
          steps: neededSteps(request.service_steps, 'service', disallowed),
          disableRamdisk: request.disable_ramdisk ?? false,
        },
      };
    case 'rescue': {
      const rescuePassword = request.rescue_password?.trim();
      if (!rescuePassword)
        throw new ClientSideError(`A non-empty "rescue_password" is required with the target ${target}.`);
      return { name: 'do_node_rescue', args: { rescuePassword: request.rescue_password ?? '' } };
    }
    case 'unrescue':
      return { name: 'do_node_unrescue', args: {} };
    case 'inspect':
      return { name: 'inspect_hardware', args: {} };
    case 'manage':
    case 'provide':
    case 'adopt':
    case 'abort':
    case 'unhold':
      return { name: 'do_provisioning_action', args: { action: verb.event } };
  }
}

function neededSteps(given: unknown[] | null, kind: 'clean' | 'service', disallowed: DisallowedSteps) {
  if (given === null || given.length === 0)
    throw new ClientSideError(`"${kind}_steps" is required with the target ${kind}, and is not to be empty.`);
  return parseSteps(given, kind, disallowed[kind]);
}
