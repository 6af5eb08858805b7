// Bios with its settings resource and attribute registry, and SecureBoot.
import { recordAction } from '../action-record.ts';
import type { BiosValue, Machine } from '../machine.ts';
import { RedfishError } from './errors.ts';
import {
  link,
  machineRoute,
  noContent,
  objectIn,
  oneOf,
  refuseUnknown,
  resource,
  route,
  type RedfishAnswer,
  type RedfishRequest,
  type Route,
} from './route.ts';

interface Attribute {
  default: BiosValue;
  type: 'Enumeration' | 'Integer' | 'String';
  values?: readonly string[];
  range?: readonly [number, number];
  readOnly?: boolean;
}

const attributes: Record<string, Attribute> = {
  BootMode: { type: 'Enumeration', default: 'Uefi', values: ['Uefi', 'LegacyBios'] },
  ProcVirtualization: { type: 'Enumeration', default: 'Enabled', values: ['Enabled', 'Disabled'] },
  ProcHyperthreading: { type: 'Enumeration', default: 'Enabled', values: ['Enabled', 'Disabled'] },
  SriovGlobalEnable: { type: 'Enumeration', default: 'Disabled', values: ['Enabled', 'Disabled'] },
  WorkloadProfile: {
    type: 'Enumeration',
    default: 'GeneralPurpose',
    values: ['GeneralPurpose', 'LowLatency', 'Virtualization'],
  },
  BootDelaySeconds: { type: 'Integer', default: 0, range: [0, 60] },
  AdminContact: { type: 'String', default: '' },
  SystemBiosVersion: { type: 'String', default: '1.4.2', readOnly: true },
};

const bios = '/redfish/v1/Systems/:machine/Bios';
const secureBoot = '/redfish/v1/Systems/:machine/SecureBoot';

export const biosRoutes: Route[] = [
  machineRoute(bios, {
    GET: ({ path }, machine) =>
      resource(path, '#Bios.v1_2_2.Bios', {
        Name: 'BIOS Settings',
        AttributeRegistry: 'BiosAttributeRegistry.v1_0_0',
        Attributes: attributesOf(machine),
        '@Redfish.Settings': {
          '@odata.type': '#Settings.v1_3_5.Settings',
          SettingsObject: link(`${path}/Settings`),
          SupportedApplyTimes: ['OnReset'],
        },
        Actions: { '#Bios.ResetBios': { target: `${path}/Actions/Bios.ResetBios` } },
      }),
  }),
  machineRoute(`${bios}/Settings`, {
    // Only what waits for the next boot stands here.
    GET: ({ path }, machine) =>
      resource(path, '#Bios.v1_2_2.Bios', {
        Name: 'BIOS Settings Pending',
        AttributeRegistry: 'BiosAttributeRegistry.v1_0_0',
        Attributes: machine.pendingBios ?? {},
      }),
    PATCH: patchSettings,
  }),
  machineRoute(`${bios}/Actions/Bios.ResetBios`, {
    POST: ({ bmc }, machine) => {
      machine.pendingBios = Object.fromEntries(
        writable().map(([name, attribute]) => [name, attribute.default]),
      );
      recordAction(machine, bmc.clock.now(), 'Bios.ResetBios', {}, 'done');
      return noContent;
    },
  }),
  machineRoute(secureBoot, {
    GET: ({ path }, machine) =>
      resource(path, '#SecureBoot.v1_1_0.SecureBoot', {
        Name: 'UEFI Secure Boot',
        SecureBootEnable: machine.secureBoot,
        SecureBootCurrentBoot: machine.secureBoot ? 'Enabled' : 'Disabled',
        SecureBootMode: 'UserMode',
        Actions: {
          '#SecureBoot.ResetKeys': {
            target: `${path}/Actions/SecureBoot.ResetKeys`,
            'ResetKeysType@Redfish.AllowableValues': resetKeysTypes,
          },
        },
      }),
    PATCH: ({ bmc, body }, machine) => {
      refuseUnknown(body, ['SecureBootEnable']);
      const enable = body['SecureBootEnable'];
      if (typeof enable !== 'boolean')
        throw new RedfishError('PropertyValueTypeError', JSON.stringify(enable), 'SecureBootEnable');
      machine.secureBoot = enable;
      recordAction(machine, bmc.clock.now(), 'PATCH SecureBoot', { ...body }, 'done');
      return noContent;
    },
  }),
  machineRoute(`${secureBoot}/Actions/SecureBoot.ResetKeys`, {
    POST: ({ bmc, body }, machine) => {
      const type = oneOf(body['ResetKeysType'], resetKeysTypes, 'ResetKeysType');
      if (!type) throw new RedfishError('ActionParameterMissing', 'SecureBoot.ResetKeys', 'ResetKeysType');
      recordAction(machine, bmc.clock.now(), 'SecureBoot.ResetKeys', { ResetKeysType: type }, 'done');
      return noContent;
    },
  }),
  route('/redfish/v1/Registries/BiosAttributeRegistry/v1_0_0', {
    GET: ({ path }) =>
      resource(path, '#AttributeRegistry.v1_3_8.AttributeRegistry', {
        Name: 'BIOS Attribute Registry',
        Language: 'en',
        OwningEntity: 'Ingot',
        RegistryVersion: '1.0.0',
        SupportedSystems: [],
        RegistryEntries: {
          Attributes: Object.entries(attributes).map(([name, attribute]) => registryEntry(name, attribute)),
        },
      }),
  }),
];

const resetKeysTypes = ['ResetAllKeysToDefault', 'DeleteAllKeys', 'DeletePK'] as const;

function patchSettings({ bmc, body }: RedfishRequest, machine: Machine): RedfishAnswer {
  refuseUnknown(body, ['Attributes']);
  const asked = objectIn(body['Attributes'], 'Attributes') ?? {};
  const checked = Object.entries(asked).map(([name, value]): [string, BiosValue] => [
    name,
    checkedValue(name, value),
  ]);
  machine.pendingBios = { ...machine.pendingBios, ...Object.fromEntries(checked) };
  recordAction(machine, bmc.clock.now(), 'PATCH Bios/Settings', { ...asked }, 'done');
  return noContent;
}

function checkedValue(name: string, value: unknown): BiosValue {
  const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  if (!attribute) throw new RedfishError('PropertyUnknown', name);
  if (attribute.readOnly) throw new RedfishError('PropertyNotWritable', name);
  switch (attribute.type) {
    case 'Enumeration':
      return oneOf(value, attribute.values ?? [], name) ?? attribute.default;
    case 'Integer': {
      const [low, high] = attribute.range ?? [0, 0];
      if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
      throw new RedfishError('PropertyValueNotInList', JSON.stringify(value), name);
    }
    case 'String':
      if (typeof value === 'string') return value;
      throw new RedfishError('PropertyValueTypeError', JSON.stringify(value), name);
  }
}

function attributesOf(machine: Machine): Record<string, BiosValue> {
  const defaults = Object.entries(attributes).map(([name, attribute]) => [name, attribute.default]);
  return { ...Object.fromEntries(defaults), ...machine.bios };
}

function writable(): [string, Attribute][] {
  return Object.entries(attributes).filter(([, attribute]) => !attribute.readOnly);
}

function registryEntry(name: string, attribute: Attribute): Record<string, unknown> {
  return {
    AttributeName: name,
    DisplayName: name,
    Type: attribute.type,
    ReadOnly: attribute.readOnly ?? false,
    ResetRequired: true,
    IsSystemUniqueProperty: false,
    DefaultValue: attribute.default,
    ...(attribute.values && {
      Value: attribute.values.map((value) => ({ ValueName: value, ValueDisplayName: value })),
    }),
    ...(attribute.range && { LowerBound: attribute.range[0], UpperBound: attribute.range[1] }),
    ...(attribute.type === 'String' && { MinLength: 0, MaxLength: 64 }),
  };
}
