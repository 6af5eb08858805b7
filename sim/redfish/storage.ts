// Storage and SimpleStorage: the machine's disks as its BMC sees them. No RAID: every disk stands for itself.
import { disksOf, type SimDisk } from '../machine.ts';
import { RedfishError } from './errors.ts';
import { collection, enabled, link, machineRoute, resource, type Route } from './route.ts';

const storage = '/redfish/v1/Systems/:machine/Storage';
const simpleStorage = '/redfish/v1/Systems/:machine/SimpleStorage';

const controller = {
  MemberId: '0',
  Name: 'AHCI Controller',
  Manufacturer: 'Ingot',
  Model: 'AHCI',
  SupportedControllerProtocols: ['PCIe'],
  SupportedDeviceProtocols: ['SATA'],
  SupportedRAIDTypes: [],
  Status: enabled,
} as const;

export const storageRoutes: Route[] = [
  machineRoute(storage, {
    GET: ({ path }) => collection(path, 'StorageCollection', 'Storage', [`${path}/1`]),
  }),
  machineRoute(`${storage}/1`, {
    GET: ({ path }, machine) =>
      resource(path, '#Storage.v1_16_0.Storage', {
        Name: 'Local Storage',
        Status: enabled,
        StorageControllers: [{ '@odata.id': `${path}#/StorageControllers/0`, ...controller }],
        Controllers: link(`${path}/Controllers`),
        Drives: machine.hardware.disks.map((_, index) => link(`${path}/Drives/${index}`)),
        Volumes: link(`${path}/Volumes`),
      }),
  }),
  machineRoute(`${storage}/1/Controllers`, {
    GET: ({ path }) => collection(path, 'StorageControllerCollection', 'Controllers', [`${path}/0`]),
  }),
  machineRoute(`${storage}/1/Controllers/0`, {
    GET: ({ path }) => {
      const { MemberId: _, ...members } = controller;
      return resource(path, '#StorageController.v1_8_0.StorageController', members);
    },
  }),
  machineRoute(`${storage}/1/Volumes`, {
    GET: ({ path }) =>
      collection(path, 'VolumeCollection', 'Volumes', [], {
        '@Redfish.OperationApplyTimeSupport': { SupportedValues: ['Immediate'] },
      }),
  }),
  machineRoute(`${storage}/1/Drives/:drive`, {
    GET: ({ path, params }, machine) => {
      const disk = disksOf(machine)[Number(params['drive'])];
      if (!disk) throw new RedfishError('ResourceMissingAtURI', path);
      return resource(path, '#Drive.v1_20_0.Drive', {
        Name: `Drive ${params['drive']}`,
        Model: disk.model,
        Manufacturer: disk.vendor,
        SerialNumber: disk.serial,
        CapacityBytes: disk.sizeBytes,
        BlockSizeBytes: disk.logical_sectors,
        MediaType: disk.rotational ? 'HDD' : 'SSD',
        Protocol: protocolOf(disk),
        Identifiers: disk.wwn === null ? [] : [{ DurableNameFormat: 'NAA', DurableName: disk.wwn }],
        Revision: '1.0',
        IndicatorLED: 'Off',
        Status: enabled,
        Links: { Volumes: [] },
      });
    },
  }),
  machineRoute(simpleStorage, {
    GET: ({ path }) => collection(path, 'SimpleStorageCollection', 'Simple Storage', [`${path}/1`]),
  }),
  machineRoute(`${simpleStorage}/1`, {
    GET: ({ path }, machine) =>
      resource(path, '#SimpleStorage.v1_3_2.SimpleStorage', {
        Name: 'Simple Storage Controller',
        Status: enabled,
        Devices: disksOf(machine).map((disk) => ({
          Name: disk.name,
          Manufacturer: disk.vendor,
          Model: disk.model,
          CapacityBytes: disk.sizeBytes,
          Status: enabled,
        })),
      }),
  }),
];

function protocolOf(disk: SimDisk): string {
  switch (disk.tran) {
    case 'nvme':
      return 'NVMe';
    case 'sas':
      return 'SAS';
    default:
      return 'SATA';
  }
}
