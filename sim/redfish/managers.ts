// Managers: the BMC itself, and the virtual media it can put into its machine.
import { recordAction } from '../action-record.ts';
import { mediaDevices, type InsertedMedia, type Machine, type MediaDevice } from '../machine.ts';
import { RedfishError } from './errors.ts';
import {
  collection,
  enabled,
  link,
  machineRoute,
  noContent,
  oneOf,
  refuseUnknown,
  resource,
  type RedfishAnswer,
  type RedfishRequest,
  type Route,
} from './route.ts';

const manager = '/redfish/v1/Managers/:machine';
const media = `${manager}/VirtualMedia`;

const mediaTypes: Record<MediaDevice, readonly string[]> = {
  Cd: ['CD', 'DVD'],
  Floppy: ['Floppy'],
  UsbStick: ['USBStick'],
};

export const managerRoutes: Route[] = [
  machineRoute(manager, {
    GET: ({ bmc, path }, machine) =>
      resource(path, '#Manager.v1_19_1.Manager', {
        Name: `BMC of ${machine.name}`,
        ManagerType: 'BMC',
        Manufacturer: machine.hardware.manufacturer,
        Model: 'Simulated BMC',
        FirmwareVersion: '2.10.0',
        UUID: machine.uuid,
        DateTime: new Date(bmc.clock.now()).toISOString(),
        PowerState: 'On',
        Status: enabled,
        VirtualMedia: link(`${path}/VirtualMedia`),
        Links: {
          ManagerForServers: [link(`/redfish/v1/Systems/${machine.uuid}`)],
          ManagerForChassis: [link(`/redfish/v1/Chassis/${machine.uuid}`)],
        },
        Actions: {
          '#Manager.Reset': {
            target: `${path}/Actions/Manager.Reset`,
            'ResetType@Redfish.AllowableValues': ['GracefulRestart', 'ForceRestart'],
          },
        },
      }),
  }),
  machineRoute(`${manager}/Actions/Manager.Reset`, {
    POST: ({ bmc, body }, machine) => {
      oneOf(body['ResetType'], ['GracefulRestart', 'ForceRestart'], 'ResetType');
      // A BMC that restarts forgets who was logged in; its machine does not notice.
      bmc.sessions.forgetAll();
      recordAction(machine, bmc.clock.now(), 'Manager.Reset', { ...body }, 'done');
      return noContent;
    },
  }),
  machineRoute(media, {
    GET: ({ path }) =>
      collection(
        path,
        'VirtualMediaCollection',
        'Virtual Media',
        mediaDevices.map((device) => `${path}/${device}`),
      ),
  }),
  machineRoute(`${media}/:device`, { GET: describeMedia }),
  machineRoute(`${media}/:device/Actions/VirtualMedia.InsertMedia`, { POST: insert }),
  machineRoute(`${media}/:device/Actions/VirtualMedia.EjectMedia`, { POST: eject }),
];

function deviceOf({ params, path }: RedfishRequest): MediaDevice {
  const device = mediaDevices.find((device) => device === params['device']);
  if (!device) throw new RedfishError('ResourceMissingAtURI', path);
  return device;
}

function describeMedia(request: RedfishRequest, machine: Machine): RedfishAnswer {
  const device = deviceOf(request);
  const inserted = machine.media?.[device];
  return resource(request.path, '#VirtualMedia.v1_6_4.VirtualMedia', {
    Name: `Virtual ${device}`,
    MediaTypes: mediaTypes[device],
    Image: inserted?.image ?? null,
    ImageName: inserted?.image.split('/').at(-1) ?? null,
    Inserted: inserted !== undefined,
    WriteProtected: inserted?.writeProtected ?? true,
    ConnectedVia: inserted ? 'URI' : 'NotConnected',
    TransferProtocolType: inserted?.transferProtocol ?? null,
    TransferMethod: inserted ? 'Stream' : null,
    UserName: null,
    Password: null,
    VerifyCertificate: inserted?.verifyCertificate ?? false,
    Actions: {
      '#VirtualMedia.InsertMedia': {
        target: `${request.path}/Actions/VirtualMedia.InsertMedia`,
        'TransferProtocolType@Redfish.AllowableValues': ['HTTP', 'HTTPS'],
      },
      '#VirtualMedia.EjectMedia': { target: `${request.path}/Actions/VirtualMedia.EjectMedia` },
    },
  });
}

function insert(request: RedfishRequest, machine: Machine): RedfishAnswer {
  const device = deviceOf(request);
  const asked = parseInsert(request.body);
  const result = machine.media?.[device] ? 'refused' : 'done';
  recordAction(
    machine,
    request.bmc.clock.now(),
    'VirtualMedia.InsertMedia',
    { Device: device, Image: asked.image },
    result,
  );
  if (result === 'refused') throw new RedfishError('ResourceInUse');
  machine.media = { ...machine.media, [device]: asked };
  return noContent;
}

function parseInsert(body: Readonly<Record<string, unknown>>): InsertedMedia {
  refuseUnknown(body, [
    'Image',
    'Inserted',
    'WriteProtected',
    'UserName',
    'Password',
    'TransferMethod',
    'TransferProtocolType',
    'VerifyCertificate',
  ]);
  const { Image: image } = body;
  if (image === undefined)
    throw new RedfishError('ActionParameterMissing', 'VirtualMedia.InsertMedia', 'Image');
  const url = typeof image === 'string' ? URL.parse(image) : null;
  if (typeof image !== 'string' || (url?.protocol !== 'http:' && url?.protocol !== 'https:'))
    throw new RedfishError('ActionParameterValueFormatError', JSON.stringify(image), 'Image');
  const protocol = oneOf(body['TransferProtocolType'], ['HTTP', 'HTTPS'], 'TransferProtocolType');
  return {
    image,
    writeProtected: body['WriteProtected'] !== false,
    transferProtocol: protocol ?? url.protocol.slice(0, -1).toUpperCase(),
    verifyCertificate: body['VerifyCertificate'] === true,
  };
}

function eject(request: RedfishRequest, machine: Machine): RedfishAnswer {
  const device = deviceOf(request);
  const was = machine.media?.[device];
  recordAction(
    machine,
    request.bmc.clock.now(),
    'VirtualMedia.EjectMedia',
    { Device: device },
    was ? 'done' : 'no-change',
  );
  if (was && machine.media) {
    const { [device]: _, ...others } = machine.media;
    machine.media = Object.keys(others).length === 0 ? null : others;
  }
  return noContent;
}
