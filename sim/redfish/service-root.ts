// The entry of the service, and the collections that everything hangs from.
import { collection, link, ok, resource, route, type Route } from './route.ts';

const root = '/redfish/v1';

export const serviceRootRoutes: Route[] = [
  route('/redfish', { GET: () => ok({ v1: `${root}/` }) }, { open: ['GET'] }),
  route(
    root,
    {
      GET: ({ bmc }) =>
        ok({
          '@odata.id': `${root}/`,
          '@odata.type': '#ServiceRoot.v1_16_1.ServiceRoot',
          Id: 'RootService',
          Name: 'Root Service',
          RedfishVersion: '1.18.0',
          UUID: bmc.uuid,
          Vendor: 'Ingot',
          Product: 'Ingot simulated BMC',
          ProtocolFeaturesSupported: {
            FilterQuery: false,
            SelectQuery: false,
            ExcerptQuery: false,
            OnlyMemberQuery: false,
          },
          Systems: link(`${root}/Systems`),
          Chassis: link(`${root}/Chassis`),
          Managers: link(`${root}/Managers`),
          SessionService: link(`${root}/SessionService`),
          Tasks: link(`${root}/TaskService`),
          UpdateService: link(`${root}/UpdateService`),
          Registries: link(`${root}/Registries`),
          Links: { Sessions: link(`${root}/SessionService/Sessions`) },
        }),
    },
    { open: ['GET'] },
  ),
  route(
    `${root}/odata`,
    {
      GET: () =>
        ok({
          '@odata.context': `${root}/$metadata`,
          value: ['Systems', 'Chassis', 'Managers', 'SessionService', 'UpdateService'].map((name) => ({
            name,
            kind: 'Singleton',
            url: `${root}/${name}`,
          })),
        }),
    },
    { open: ['GET'] },
  ),
  ...(
    [
      ['Systems', 'ComputerSystemCollection'],
      ['Chassis', 'ChassisCollection'],
      ['Managers', 'ManagerCollection'],
    ] as const
  ).map(([name, type]) =>
    route(`${root}/${name}`, {
      GET: ({ bmc, path }) =>
        collection(
          path,
          type,
          name,
          [...bmc.machines.keys()].map((uuid) => `${root}/${name}/${uuid}`),
        ),
    }),
  ),
  route(`${root}/Registries`, {
    GET: ({ path }) =>
      collection(path, 'MessageRegistryFileCollection', 'Registries', [`${path}/BiosAttributeRegistry`]),
  }),
  route(`${root}/Registries/BiosAttributeRegistry`, {
    GET: ({ path }) =>
      resource(path, '#MessageRegistryFile.v1_1_3.MessageRegistryFile', {
        Name: 'BIOS Attribute Registry',
        Registry: 'BiosAttributeRegistry.v1_0_0',
        Languages: ['en'],
        Location: [{ Language: 'en', Uri: `${path}/v1_0_0` }],
      }),
  }),
];
