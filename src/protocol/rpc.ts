// The contract between the API and the conductors: every call with what it takes and what it gives.
// Carried in process or over a broker; arguments and results are plain data, failures are Faults.
import { TemporaryFailure } from '#model/faults.ts';
import type { NewNode, NodePatch, NodeRecord } from '#model/node-record.ts';
import type { NewPort, PortPatch, PortRecord } from '#model/port-record.ts';
import type { PreflightReport, PreflightTrial } from './preflight.ts';
import type { NodeView } from './node-view.ts';
import type { OperationInput } from './operation.ts';

/** Who asked, and under which request; travels with every call into logs, events and history. */
export interface RequestContext {
  requestId: string;
  userId: string | null;
  /** The W3C trace context in which the request was made, as its `traceparent` header has it. */
  traceparent?: string;
}

/**
 * What calls look like on the wire. A conductor answers calls of its own version only: raise it when a call of
 * before would be misunderstood. A call or a member more is no reason to.
 */
export const rpcVersion = 1;

interface NodeCall {
  node: string; // uuid
}

/** One row per call. `void` results are an acknowledgement: the work was accepted and committed, not done. */
export interface ConductorCalls {
  create_node: { args: { node: NewNode }; result: NodeRecord };
  /** `seen`: what the patch was made from. Null, with nothing changed, when the node is not so any more: look again. */
  update_node: {
    args: NodeCall & { patch: NodePatch; seen?: Partial<NodeRecord>; resetInterfaces: boolean };
    result: NodeRecord | null;
  };
  destroy_node: { args: NodeCall; result: void };
  set_maintenance: { args: NodeCall & { maintenance: boolean; reason: string | null }; result: void };

  change_node_power_state: {
    args: NodeCall & { target: string; timeoutSeconds: number | null };
    result: void;
  };
  do_node_deploy: {
    args: NodeCall & {
      rebuild: boolean;
      configdrive: string | Record<string, unknown> | null;
      steps: OperationInput['steps'];
    };
    result: void;
  };
  do_node_tear_down: { args: NodeCall; result: void };
  do_node_clean: {
    args: NodeCall & { steps: NonNullable<OperationInput['steps']>; disableRamdisk: boolean };
    result: void;
  };
  do_node_service: {
    args: NodeCall & { steps: NonNullable<OperationInput['steps']>; disableRamdisk: boolean };
    result: void;
  };
  do_node_rescue: { args: NodeCall & { rescuePassword: string }; result: void };
  do_node_unrescue: { args: NodeCall; result: void };
  inspect_hardware: { args: NodeCall; result: void };
  /** manage, provide, adopt, abort, unhold. */
  do_provisioning_action: { args: NodeCall & { action: string }; result: void };
  /** Ends what waits, also where the node's state knows no abort. */
  cancel_operation: { args: NodeCall; result: void };

  validate_driver_interfaces: {
    args: NodeCall;
    result: Record<string, { result: boolean | null; reason?: string }>;
  };
  /** Looks at what a deployment will need, and changes nothing. */
  preflight: { args: NodeCall & { trial: PreflightTrial }; result: PreflightReport };
  /** Asks neither the machine nor its BMC. */
  explain_node: { args: NodeCall; result: NodeView };
  set_boot_device: { args: NodeCall & { device: string; persistent: boolean }; result: void };
  get_boot_device: { args: NodeCall; result: { boot_device: string | null; persistent: boolean | null } };
  get_supported_boot_devices: { args: NodeCall; result: string[] };
  change_node_boot_mode: { args: NodeCall & { mode: string }; result: void };
  change_node_secure_boot: { args: NodeCall & { enabled: boolean }; result: void };
  inject_nmi: { args: NodeCall; result: void };

  create_port: { args: { port: NewPort }; result: PortRecord };
  /** `seen` and null: as of `update_node`. */
  update_port: { args: { port: string; patch: PortPatch; seen?: PortPatch }; result: PortRecord | null };
  destroy_port: { args: { port: string }; result: void };

  get_driver_properties: { args: { driver: string }; result: Record<string, string> };
  get_raid_logical_disk_properties: { args: { driver: string }; result: Record<string, string> };

  /** Gives the node with a token to hand out: a new one when it had none, else `******`. */
  get_node_with_token: { args: NodeCall; result: { node: NodeRecord; token: string | null } };
  heartbeat: {
    args: NodeCall & {
      callbackUrl: string;
      agentVersion: string | null;
      agentToken: string | null;
      agentVerifyCa: string | null;
      agentStatus: string | null;
      agentStatusMessage: string | null;
    };
    result: void;
  };
  continue_inspection: {
    args: NodeCall & { inventory: Record<string, unknown>; pluginData: Record<string, unknown> };
    result: { node: NodeRecord; token: string | null };
  };
}

export type ConductorCallName = keyof ConductorCalls;

/** The conductor's side: a function per call. */
export type ConductorHandlers = {
  [Name in ConductorCallName]: (
    args: ConductorCalls[Name]['args'],
    context: RequestContext,
  ) => Promise<ConductorCalls[Name]['result']>;
};

/** What every conductor that has the hardware type knows alike. */
export type DriverCallName = 'get_driver_properties' | 'get_raid_logical_disk_properties';

/**
 * A call surely reached no conductor, so nothing of it was done: it may be made again, of another conductor. For a
 * client of the API it is what it extends.
 */
export class NotDelivered extends TemporaryFailure {}

/**
 * The API's side. Throws the Fault that the handler threw; NotDelivered when no conductor took the call; and
 * TemporaryFailure when the conductor is busy, or when no answer came in [DEFAULT]rpc_response_timeout or before
 * the connection was lost: then the call may have been done, or may be still.
 */
export interface ConductorClient {
  call<Name extends ConductorCallName>(
    hostname: string,
    name: Name,
    args: ConductorCalls[Name]['args'],
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']>;

  /** Calls any one of the conductors that have the hardware type. */
  callAny<Name extends DriverCallName>(
    hardwareType: string,
    name: Name,
    context: RequestContext,
  ): Promise<ConductorCalls[Name]['result']>;
}

/** Where conductors answer calls. */
export interface ConductorServer {
  /** From now on these handlers answer the calls to the host name, and share in those to its hardware types. */
  serve(
    conductor: { hostname: string; hardwareTypes: readonly string[] },
    handlers: ConductorHandlers,
  ): Promise<ServedConductor>;
}

export interface ServedConductor {
  /** Ensures that no further call is taken and that those under way were answered. May be repeated. */
  stop(): Promise<void>;
}
