// Chassis with its sensors: readings that follow the machine's power.
import { serialOf, type Machine } from '../machine.ts';
import { oneOf } from './route.ts';
import { enabled, link, machineRoute, noContent, refuseUnknown, resource, type Route } from './route.ts';

const chassis = '/redfish/v1/Chassis/:machine';

export const chassisRoutes: Route[] = [
  machineRoute(chassis, {
    GET: ({ path }, machine) =>
      resource(path, '#Chassis.v1_25_1.Chassis', {
        Name: `Chassis of ${machine.name}`,
        ChassisType: 'RackMount',
        Manufacturer: machine.hardware.manufacturer,
        Model: machine.hardware.model,
        SerialNumber: serialOf(machine),
        UUID: machine.uuid,
        IndicatorLED: machine.indicatorLed,
        PowerState: machine.power === 'Off' ? 'Off' : 'On',
        Status: enabled,
        Power: link(`${path}/Power`),
        Thermal: link(`${path}/Thermal`),
        Links: {
          ComputerSystems: [link(`/redfish/v1/Systems/${machine.uuid}`)],
          ManagedBy: [link(`/redfish/v1/Managers/${machine.uuid}`)],
        },
      }),
    PATCH: ({ body }, machine) => {
      refuseUnknown(body, ['IndicatorLED']);
      machine.indicatorLed =
        oneOf(body['IndicatorLED'], ['Off', 'Lit', 'Blinking'], 'IndicatorLED') ?? machine.indicatorLed;
      return noContent;
    },
  }),
  machineRoute(`${chassis}/Power`, {
    GET: ({ path }, machine) =>
      resource(path, '#Power.v1_7_3.Power', {
        Name: 'Power',
        PowerControl: [
          {
            '@odata.id': `${path}#/PowerControl/0`,
            MemberId: '0',
            Name: 'System Power Control',
            PowerConsumedWatts: isOn(machine) ? 186 : 8,
            PowerCapacityWatts: 750,
            Status: enabled,
          },
        ],
        PowerSupplies: [0, 1].map((index) => ({
          '@odata.id': `${path}#/PowerSupplies/${index}`,
          MemberId: String(index),
          Name: `Power Supply ${index}`,
          PowerSupplyType: 'AC',
          LineInputVoltage: 230,
          LineInputVoltageType: 'ACMidLine',
          PowerCapacityWatts: 750,
          LastPowerOutputWatts: isOn(machine) ? 93 : 4,
          Manufacturer: machine.hardware.manufacturer,
          Model: 'PSU750',
          SerialNumber: `${serialOf(machine)}P${index}`,
          FirmwareVersion: '1.0',
          Status: enabled,
        })),
      }),
  }),
  machineRoute(`${chassis}/Thermal`, {
    GET: ({ path }, machine) =>
      resource(path, '#Thermal.v1_7_3.Thermal', {
        Name: 'Thermal',
        Temperatures: (
          [
            ['Inlet Temp', 'Intake', 22],
            ['CPU1 Temp', 'CPU', isOn(machine) ? 48 : 24],
          ] as const
        ).map(([name, context, celsius], index) => ({
          '@odata.id': `${path}#/Temperatures/${index}`,
          MemberId: String(index),
          Name: name,
          SensorNumber: index + 1,
          PhysicalContext: context,
          ReadingCelsius: celsius,
          UpperThresholdCritical: 90,
          UpperThresholdFatal: 95,
          MinReadingRangeTemp: 0,
          MaxReadingRangeTemp: 100,
          Status: enabled,
        })),
        Fans: [0, 1].map((index) => ({
          '@odata.id': `${path}#/Fans/${index}`,
          MemberId: String(index),
          Name: `Fan ${index}`,
          PhysicalContext: 'SystemBoard',
          Reading: isOn(machine) ? 6_000 : 0,
          ReadingUnits: 'RPM',
          MinReadingRange: 0,
          MaxReadingRange: 20_000,
          LowerThresholdFatal: 500,
          Manufacturer: machine.hardware.manufacturer,
          SerialNumber: `${serialOf(machine)}F${index}`,
          Status: enabled,
        })),
      }),
  }),
];

function isOn(machine: Machine): boolean {
  return machine.power === 'On';
}
