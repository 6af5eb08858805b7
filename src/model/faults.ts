// The catalogue of faults that reach a client. Names and statuses are published (ironic common/exception.py,
// 2026.2); what is quoted in a client's or an agent's parser keeps its published wording, the rest is our own.
import { fault, textFault } from './fault.ts';

// 400: what was asked makes no sense

export class Invalid extends textFault('Invalid', 400, 'The request is not valid.') {}
export class ClientSideError extends textFault('ClientSideError', 400) {}
export class InvalidParameterValue extends textFault('InvalidParameterValue', 400) {}
export class MissingParameterValue extends textFault('MissingParameterValue', 400) {}
export class UnknownArgument extends textFault('UnknownArgument', 400) {}
export class UnknownAttribute extends textFault('UnknownAttribute', 400) {}
export class IncompleteLookup extends textFault(
  'IncompleteLookup',
  400,
  'A lookup needs the addresses or the uuid of the machine.',
) {}

export class InvalidUUID extends fault(
  'InvalidUUID',
  400,
  (f: { uuid: string }) => `Expected a UUID but received ${f.uuid}.`,
) {}

export class InvalidName extends fault(
  'InvalidName',
  400,
  (f: { name: string }) => `"${f.name}" is not a valid name.`,
) {}

export class InvalidUuidOrName extends fault(
  'InvalidUuidOrName',
  400,
  (f: { name: string }) => `Expected a logical name or UUID but received ${f.name}.`,
) {}

export class InvalidMAC extends fault(
  'InvalidMAC',
  400,
  (f: { mac: string }) => `Expected a MAC address but received ${f.mac}.`,
) {}

export class InvalidConductorGroup extends fault(
  'InvalidConductorGroup',
  400,
  (f: { group: string }) =>
    `"${f.group}" is not a conductor group: letters, digits, hyphens, underscores and dots, at most 255.`,
) {}

export class PatchError extends fault(
  'PatchError',
  400,
  (f: { patch: string; reason: string }) => `Couldn't apply patch '${f.patch}'. Reason: ${f.reason}`,
) {}

export class InvalidStateRequested extends fault(
  'InvalidStateRequested',
  400,
  (f: { action: string; node: string; state: string }) =>
    `The requested action "${f.action}" can not be performed on node "${f.node}" while it is in state "${f.state}".`,
) {}

export class NodeInMaintenance extends fault(
  'NodeInMaintenance',
  400,
  (f: { op: string; node: string }) =>
    `The ${f.op} operation can't be performed on node ${f.node} because it's in maintenance mode.`,
) {}

export class NodeIsRetired extends fault(
  'NodeIsRetired',
  400,
  (f: { op: string; node: string }) =>
    `The ${f.op} operation can't be performed on node ${f.node} because it is retired.`,
) {}

export class NodeMaintenanceFailure extends fault(
  'NodeMaintenanceFailure',
  400,
  (f: { node: string; reason: string }) =>
    `The maintenance of node ${f.node} could not be changed: ${f.reason}`,
) {}

export class NodeNotLocked extends fault(
  'NodeNotLocked',
  400,
  (f: { node: string }) => `Node ${f.node} is not locked, or its lock was lost to another conductor.`,
) {}

export class NodeConsoleNotEnabled extends fault(
  'NodeConsoleNotEnabled',
  400,
  (f: { node: string }) => `The console of node ${f.node} is not enabled.`,
) {}

export class UnsupportedDriverExtension extends fault(
  'UnsupportedDriverExtension',
  400,
  (f: { driver: string; extension: string }) => `Driver ${f.driver} does not support ${f.extension}.`,
) {}

export class UnsupportedHardwareFeature extends fault(
  'UnsupportedHardwareFeature',
  400,
  (f: { node: string; feature: string }) =>
    `The hardware of node ${f.node} does not support ${f.feature}, or not now.`,
) {}

export class InterfaceNotFoundInEntrypoint extends fault(
  'InterfaceNotFoundInEntrypoint',
  400,
  (f: { entrypoint: string; iface: string; valid: readonly string[] }) =>
    `Could not find "${f.iface}" among the enabled implementations of ${f.entrypoint}; enabled are: ` +
    `${f.valid.join(', ') || 'none'}.`,
) {}

export class IncompatibleInterface extends fault(
  'IncompatibleInterface',
  400,
  (f: { interface_type: string; interface_impl: string; hardware_type: string }) =>
    `The ${f.interface_type} interface ${f.interface_impl} does not work with hardware type ${f.hardware_type}.`,
) {}

export class NoValidDefaultForInterface extends fault(
  'NoValidDefaultForInterface',
  400,
  (f: { driver: string; interface_type: string; node_info: string }) =>
    `For ${f.node_info}driver ${f.driver} no default for its ${f.interface_type} interface can be found: ` +
    `none that is enabled is supported by it.`,
) {}

export class BootModeNotAllowed extends fault(
  'BootModeNotAllowed',
  400,
  (f: { mode: string; op: string }) => `Boot mode ${f.mode} is not allowed for ${f.op}.`,
) {}

export class StepNotAllowed extends fault(
  'StepNotAllowed',
  400,
  (f: { step: string; step_type: string }) => `The ${f.step_type} step ${f.step} is not allowed here.`,
) {}

export class ChassisNotEmpty extends fault(
  'ChassisNotEmpty',
  400,
  (f: { chassis: string }) => `Chassis ${f.chassis} still contains nodes.`,
) {}

export class InvalidNodeInventory extends fault(
  'InvalidNodeInventory',
  400,
  (f: { node: string; reason: string }) => `The inventory of node ${f.node} cannot be used: ${f.reason}`,
) {}

// 403: not for this caller, or not in this condition

export class HTTPForbidden extends fault(
  'HTTPForbidden',
  403,
  (f: { resource: string }) => `Access was denied to the following resource: ${f.resource}`,
) {}

export class OperationNotPermitted extends textFault(
  'OperationNotPermitted',
  403,
  'The operation is not permitted.',
) {}

export class NodeProtected extends fault(
  'NodeProtected',
  403,
  (f: { node: string }) =>
    `Node ${f.node} is protected and can not be undeployed, rebuilt or deleted; unset "protected" first.`,
) {}

// 404: no such thing, as far as the caller may know

export class NotFound extends textFault('NotFound', 404, 'The resource could not be found.') {}

export class NodeNotFound extends fault(
  'NodeNotFound',
  404,
  (f: { node: string }) => `Node ${f.node} could not be found.`,
) {}

export class DuplicateNodeOnLookup extends textFault(
  'DuplicateNodeOnLookup',
  404,
  'The addresses belong to more than one node.',
) {}

export class InstanceNotFound extends fault(
  'InstanceNotFound',
  404,
  (f: { instance: string }) => `Instance ${f.instance} could not be found.`,
) {}

export class PortNotFound extends fault(
  'PortNotFound',
  404,
  (f: { port: string }) => `Port ${f.port} could not be found.`,
) {}

export class PortgroupNotFound extends fault(
  'PortgroupNotFound',
  404,
  (f: { portgroup: string }) => `Portgroup ${f.portgroup} could not be found.`,
) {}

export class ChassisNotFound extends fault(
  'ChassisNotFound',
  404,
  (f: { chassis: string }) => `Chassis ${f.chassis} could not be found.`,
) {}

export class DriverNotFound extends fault(
  'DriverNotFound',
  404,
  (f: { driver_name: string }) => `Could not find the following driver(s): ${f.driver_name}.`,
) {}

export class ConductorNotFound extends fault(
  'ConductorNotFound',
  404,
  (f: { conductor: string }) => `Conductor ${f.conductor} could not be found.`,
) {}

export class NoValidHost extends fault(
  'NoValidHost',
  404,
  (f: { reason: string }) => `No valid host was found. Reason: ${f.reason}`,
) {}

export class NodeHistoryNotFound extends fault(
  'NodeHistoryNotFound',
  404,
  (f: { history: string }) => `Node history record ${f.history} could not be found.`,
) {}

export class NodeInventoryNotFound extends fault(
  'NodeInventoryNotFound',
  404,
  (f: { node: string }) => `Node ${f.node} has no inventory: it was not inspected.`,
) {}

export class NodeTraitNotFound extends fault(
  'NodeTraitNotFound',
  404,
  (f: { node_id: string; trait: string }) => `Node ${f.node_id} does not have the trait '${f.trait}'.`,
) {}

export class BIOSSettingNotFound extends fault(
  'BIOSSettingNotFound',
  404,
  (f: { node: string; name: string }) => `Node ${f.node} does not have the BIOS setting '${f.name}'.`,
) {}

// 406: not in this version of the API

export class NotAcceptable extends textFault('NotAcceptable', 406, 'Request not acceptable.') {}

// 409: not now, or not beside what is there

export class Conflict extends textFault('Conflict', 409, 'The request conflicts with the current state.') {}
export class InvalidState extends textFault('InvalidState', 409, 'The state is not valid for this.') {}

export class NodeLocked extends fault(
  'NodeLocked',
  409,
  (f: { node: string; host: string }) =>
    `Node ${f.node} is locked by host ${f.host}, please retry after the current operation is completed.`,
) {}

export class NothingToCancel extends fault(
  'NothingToCancel',
  409,
  (f: { node: string; why: string }) => `Nothing on node ${f.node} can be cancelled: ${f.why}.`,
) {}

export class NodeAssociated extends fault(
  'NodeAssociated',
  409,
  (f: { node: string; instance: string }) => `Node ${f.node} is associated with instance ${f.instance}.`,
) {}

export class InstanceAssociated extends fault(
  'InstanceAssociated',
  409,
  (f: { instance_uuid: string; node: string }) =>
    `Instance ${f.instance_uuid} is already associated with a node, it can not be associated with node ${f.node}.`,
) {}

export class PowerStateFailure extends fault(
  'PowerStateFailure',
  409,
  (f: { pstate: string }) => `Failed to set node power state to ${f.pstate}.`,
) {}

export class NodeAlreadyExists extends fault(
  'NodeAlreadyExists',
  409,
  (f: { uuid: string }) => `A node with UUID ${f.uuid} already exists.`,
) {}

export class ChassisAlreadyExists extends fault(
  'ChassisAlreadyExists',
  409,
  (f: { uuid: string }) => `A chassis with UUID ${f.uuid} already exists.`,
) {}

export class DuplicateName extends fault(
  'DuplicateName',
  409,
  (f: { name: string }) => `A node with name ${f.name} already exists.`,
) {}

export class PortAlreadyExists extends fault(
  'PortAlreadyExists',
  409,
  (f: { uuid: string }) => `A port with UUID ${f.uuid} already exists.`,
) {}

export class PortDuplicateName extends fault(
  'PortDuplicateName',
  409,
  (f: { name: string }) => `A port with name ${f.name} already exists.`,
) {}

export class MACAlreadyExists extends fault(
  'MACAlreadyExists',
  409,
  (f: { mac: string }) => `A port with MAC address ${f.mac} already exists.`,
) {}

export class VifAlreadyAttached extends fault(
  'VifAlreadyAttached',
  409,
  (f: { vif: string; object_type: string; object_uuid: string }) =>
    `VIF ${f.vif} is already attached to ${f.object_type} ${f.object_uuid}.`,
) {}

export class ChildNodeLocked extends fault(
  'ChildNodeLocked',
  409,
  (f: { child: string; node: string }) => `Child node ${f.child} of node ${f.node} is locked.`,
) {}

export class ParentNodeLocked extends fault(
  'ParentNodeLocked',
  409,
  (f: { node: string; parent: string }) => `Parent node ${f.parent} of node ${f.node} is locked.`,
) {}

// 410: it was there once

export class EventsGone extends fault(
  'EventsGone',
  410,
  (f: { after: string }) =>
    `Events after the cursor ${f.after} are not all kept any more, or it is of another database: read what is so ` +
    'now, then follow events without a cursor.',
) {}

// 500: the work failed. A client sees these where an answer waits for the hardware, the operator in last_error.

export class InstanceDeployFailure extends fault(
  'InstanceDeployFailure',
  500,
  (f: { reason: string }) => `Failed to deploy instance: ${f.reason}`,
) {}

export class InstanceRescueFailure extends fault(
  'InstanceRescueFailure',
  500,
  (f: { instance: string; node: string; reason: string }) =>
    `Failed to rescue instance ${f.instance} on node ${f.node}: ${f.reason}`,
) {}

export class HardwareInspectionFailure extends fault(
  'HardwareInspectionFailure',
  500,
  (f: { error: string }) => `Failed to inspect hardware. Reason: ${f.error}`,
) {}

export class NodeCleaningFailure extends fault(
  'NodeCleaningFailure',
  500,
  (f: { node: string; reason: string }) => `Failed to clean node ${f.node}: ${f.reason}`,
) {}

export class NodeServicingFailure extends fault(
  'NodeServicingFailure',
  500,
  (f: { node: string; reason: string }) => `Failed to service node ${f.node}: ${f.reason}`,
) {}

export class NodeVerifyFailure extends fault(
  'NodeVerifyFailure',
  500,
  (f: { node: string; reason: string }) => `Failed to verify node ${f.node}: ${f.reason}`,
) {}

export class DriverOperationError extends fault(
  'DriverOperationError',
  500,
  (f: { driver: string; reason: string }) =>
    `Runtime exception occurred with driver ${f.driver}: ${f.reason}`,
) {}

export class RedfishError extends fault(
  'RedfishError',
  500,
  (f: { error: string }) => `Redfish exception occurred. Error: ${f.error}`,
) {}

export class RedfishConnectionError extends fault(
  'RedfishConnectionError',
  500,
  (f: { node: string; error: string }) => `Redfish connection failed for node ${f.node}: ${f.error}`,
) {}

export class AgentAPIError extends fault(
  'AgentAPIError',
  500,
  (f: { node: string; status: number; error: string }) =>
    `The agent of node ${f.node} answered with HTTP status ${f.status}: ${f.error}`,
) {}

export class AgentConnectionFailed extends fault(
  'AgentConnectionFailed',
  500,
  (f: { reason: string }) => `Connection to agent failed: ${f.reason}`,
) {}

export class AgentCommandTimeout extends fault(
  'AgentCommandTimeout',
  500,
  (f: { command: string; node: string }) =>
    `The agent of node ${f.node} did not answer to ${f.command} in time.`,
) {}

export class AgentInProgress extends fault(
  'AgentInProgress',
  500,
  (f: { node: string; command: string; error: string }) =>
    `The agent of node ${f.node} did not take ${f.command}: another command is running: ${f.error}`,
) {}

export class ImageUnacceptable extends fault(
  'ImageUnacceptable',
  500,
  (f: { image_id: string; reason: string }) => `Image ${f.image_id} is unacceptable: ${f.reason}`,
) {}

export class ImageDownloadFailed extends fault(
  'ImageDownloadFailed',
  500,
  (f: { image_href: string; reason: string }) =>
    `Failed to download image ${f.image_href}, reason: ${f.reason}`,
) {}

export class FailedToGetSensorData extends fault(
  'FailedToGetSensorData',
  500,
  (f: { node: string; error: string }) => `Failed to read the sensors of node ${f.node}: ${f.error}`,
) {}

export class NetworkError extends textFault('NetworkError', 500, 'The network operation failed.') {}
export class StorageError extends textFault('StorageError', 500, 'The storage operation failed.') {}

/** A defect of ours, as far as a client may know about it. */
export class IronicException extends textFault('IronicException', 500, 'An unknown exception occurred.') {}

// 503: busy; the same request will do later

export class TemporaryFailure extends textFault(
  'TemporaryFailure',
  503,
  'The service is busy for the moment, please retry later.',
) {}

export class NoFreeConductorWorker extends textFault(
  'NoFreeConductorWorker',
  503,
  'The conductor cannot take on more work at the moment, please retry later.',
) {}

export class ConcurrentActionLimit extends fault(
  'ConcurrentActionLimit',
  503,
  (f: { task_type: string }) =>
    `Unable to process the requested ${f.task_type} at this time: the limit of nodes in ${f.task_type} at once ` +
    `is reached. Please retry later.`,
) {}
