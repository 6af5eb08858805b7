// ComputerSystem: power, boot override, and the inventory that needs no agent.
import { recordAction } from '../action-record.ts';
import { bootTargets, serialOf, type BootOverride, type Machine, type PowerState } from '../machine.ts';
import { resetTypes } from '../power.ts';
import { RedfishError } from './errors.ts';
import {
  collection,
  enabled,
  link,
  machineRoute,
  noContent,
  objectIn,
  oneOf,
  refuseUnknown,
  resource,
  type Bmc,
  type RedfishAnswer,
  type RedfishRequest,
  type Route,
} from './route.ts';

const system = '/redfish/v1/Systems/:machine';
const instructionSets = { x86_64: 'x86-64', aarch64: 'ARM-A64' } as const;

export const systemRoutes: Route[] = [
  machineRoute(system, {
    GET: ({ bmc, path }, machine) => describeSystem(bmc, path, machine),
    PATCH: patchSystem,
  }),
  machineRoute(`${system}/Actions/ComputerSystem.Reset`, { POST: reset }),
  machineRoute(`${system}/Processors`, {
    GET: ({ path }) => collection(path, 'ProcessorCollection', 'Processors', [`${path}/CPU0`]),
  }),
  machineRoute(`${system}/Processors/CPU0`, {
    GET: ({ path }, { hardware }) =>
      resource(path, '#Processor.v1_20_0.Processor', {
        Name: 'Processor',
        Socket: 'CPU 0',
        ProcessorType: 'CPU',
        ProcessorArchitecture: hardware.architecture === 'x86_64' ? 'x86' : 'ARM',
        InstructionSet: instructionSets[hardware.architecture],
        Manufacturer: hardware.manufacturer,
        Model: hardware.cpuModel,
        MaxSpeedMHz: 3600,
        TotalCores: hardware.cpus,
        TotalThreads: hardware.cpus,
        Status: enabled,
      }),
  }),
  machineRoute(`${system}/Memory`, {
    GET: ({ path }) => collection(path, 'MemoryCollection', 'Memory', [`${path}/DIMM0`]),
  }),
  machineRoute(`${system}/Memory/DIMM0`, {
    GET: ({ path }, machine) =>
      resource(path, '#Memory.v1_19_0.Memory', {
        Name: 'DIMM 0',
        MemoryType: 'DRAM',
        MemoryDeviceType: 'DDR5',
        CapacityMiB: machine.hardware.memoryMiB,
        Manufacturer: machine.hardware.manufacturer,
        SerialNumber: `${serialOf(machine)}M0`,
        Status: enabled,
      }),
  }),
  machineRoute(`${system}/EthernetInterfaces`, {
    GET: ({ path }, machine) =>
      collection(
        path,
        'EthernetInterfaceCollection',
        'Ethernet Interfaces',
        machine.macs.map((_, index) => `${path}/NIC${index}`),
      ),
  }),
  machineRoute(`${system}/EthernetInterfaces/:nic`, { GET: describeNic }),
];

function describeSystem(bmc: Bmc, path: string, machine: Machine): RedfishAnswer {
  const { hardware, uuid, bootOverride } = machine;
  return resource(path, '#ComputerSystem.v1_22_1.ComputerSystem', {
    Name: machine.name,
    SystemType: 'Physical',
    Manufacturer: hardware.manufacturer,
    Model: hardware.model,
    SerialNumber: serialOf(machine),
    SKU: `SKU-${serialOf(machine)}`,
    UUID: uuid,
    BiosVersion: hardware.biosVersion,
    AssetTag: machine.assetTag,
    IndicatorLED: machine.indicatorLed,
    HostName: machine.boot === 'os' || machine.boot === 'agent' ? machine.name : null,
    PowerState: bmc.tellsTransitions ? machine.power : settledPower[machine.power],
    BootProgress: { LastState: bootProgress[machine.boot] },
    Status: enabled,
    Boot: {
      BootSourceOverrideEnabled: bootOverride.enabled,
      'BootSourceOverrideEnabled@Redfish.AllowableValues': ['Disabled', 'Once', 'Continuous'],
      BootSourceOverrideTarget: bootOverride.target,
      'BootSourceOverrideTarget@Redfish.AllowableValues': bootTargets,
      BootSourceOverrideMode: bootOverride.mode,
      'BootSourceOverrideMode@Redfish.AllowableValues': ['UEFI', 'Legacy'],
      HttpBootUri: bootOverride.httpBootUri,
    },
    ProcessorSummary: {
      Count: 1,
      CoreCount: hardware.cpus,
      LogicalProcessorCount: hardware.cpus,
      Model: hardware.cpuModel,
      Status: enabled,
    },
    MemorySummary: { TotalSystemMemoryGiB: hardware.memoryMiB / 1024, Status: enabled },
    Processors: link(`${path}/Processors`),
    Memory: link(`${path}/Memory`),
    EthernetInterfaces: link(`${path}/EthernetInterfaces`),
    SimpleStorage: link(`${path}/SimpleStorage`),
    Storage: link(`${path}/Storage`),
    Bios: link(`${path}/Bios`),
    SecureBoot: link(`${path}/SecureBoot`),
    Links: {
      Chassis: [link(`/redfish/v1/Chassis/${uuid}`)],
      ManagedBy: [link(`/redfish/v1/Managers/${uuid}`)],
    },
    Actions: {
      '#ComputerSystem.Reset': {
        target: `${path}/Actions/ComputerSystem.Reset`,
        'ResetType@Redfish.AllowableValues': resetTypes,
      },
    },
  });
}

/** Most BMCs tell the state that is being left until the new one is reached. */
const settledPower: Record<PowerState, 'On' | 'Off'> = {
  On: 'On',
  Off: 'Off',
  PoweringOn: 'Off',
  PoweringOff: 'On',
};

const bootProgress: Record<Machine['boot'], string> = {
  off: 'None',
  post: 'SystemHardwareInitializationComplete',
  agent: 'OSRunning',
  os: 'OSRunning',
  crashed: 'OSBootStarted',
  stuck: 'SystemHardwareInitializationComplete',
  'no-bootable-device': 'SystemHardwareInitializationComplete',
  'bios-setup': 'SetupEntered',
};

function patchSystem({ bmc, body }: RedfishRequest, machine: Machine): RedfishAnswer {
  refuseUnknown(body, ['Boot', 'IndicatorLED', 'AssetTag']);
  const boot = objectIn(body['Boot'], 'Boot');
  const led = oneOf(body['IndicatorLED'], ['Off', 'Lit', 'Blinking'], 'IndicatorLED');
  const tag = body['AssetTag'];
  if (tag !== undefined && tag !== null && typeof tag !== 'string')
    throw new RedfishError('PropertyValueTypeError', JSON.stringify(tag), 'AssetTag');
  if (boot) machine.bootOverride = patchedOverride(machine.bootOverride, boot);
  if (led) machine.indicatorLed = led;
  if (tag !== undefined) machine.assetTag = tag;
  recordAction(machine, bmc.clock.now(), 'PATCH ComputerSystem', { ...body }, 'done');
  return noContent;
}

function patchedOverride(now: BootOverride, boot: Record<string, unknown>): BootOverride {
  refuseUnknown(
    boot,
    ['BootSourceOverrideEnabled', 'BootSourceOverrideTarget', 'BootSourceOverrideMode', 'HttpBootUri'],
    'Boot/',
  );
  const { HttpBootUri: uri } = boot;
  if (uri !== undefined && uri !== null && typeof uri !== 'string')
    throw new RedfishError('PropertyValueTypeError', JSON.stringify(uri), 'HttpBootUri');
  const enabled = oneOf(
    boot['BootSourceOverrideEnabled'],
    ['Disabled', 'Once', 'Continuous'],
    'BootSourceOverrideEnabled',
  );
  const target = oneOf(boot['BootSourceOverrideTarget'], bootTargets, 'BootSourceOverrideTarget');
  const mode = oneOf(boot['BootSourceOverrideMode'], ['UEFI', 'Legacy'], 'BootSourceOverrideMode');
  return {
    enabled: enabled ?? now.enabled,
    target: target ?? now.target,
    mode: mode ?? now.mode,
    httpBootUri: uri === undefined ? now.httpBootUri : uri,
  };
}

function reset({ bmc, body }: RedfishRequest, machine: Machine): RedfishAnswer {
  const asked = body['ResetType'];
  if (asked === undefined)
    throw new RedfishError('ActionParameterMissing', 'ComputerSystem.Reset', 'ResetType');
  const type = resetTypes.find((known) => known === asked);
  if (!type) throw new RedfishError('ActionParameterValueNotInList', JSON.stringify(asked), 'ResetType');
  const result = bmc.power.reset(machine, type);
  if (result === 'refused') throw new RedfishError('ActionParameterValueConflict', 'ResetType', type);
  return noContent;
}

function describeNic({ path, params }: RedfishRequest, machine: Machine): RedfishAnswer {
  const index = Number(/^NIC(\d+)$/.exec(params['nic'] ?? '')?.[1] ?? -1);
  const mac = machine.macs[index];
  if (mac === undefined) throw new RedfishError('ResourceMissingAtURI', path);
  return resource(path, '#EthernetInterface.v1_12_1.EthernetInterface', {
    Name: `Ethernet Interface ${index}`,
    MACAddress: mac,
    PermanentMACAddress: mac,
    SpeedMbps: 10_000,
    FullDuplex: true,
    InterfaceEnabled: true,
    LinkStatus: machine.power === 'On' ? 'LinkUp' : 'LinkDown',
    Status: enabled,
  });
}
