// The API's microversions. The major is 1 for ever, so a version is held as its minor: 1.87 is 87.

export const minMinor = 1;
export const maxMinor = 115;

/** A minor as the wire writes it: `1.87`. */
export function versionText(minor: number): string {
  return `1.${minor}`;
}

/** Routes, queries and behaviours by the minor that brought them, where no field's or verb's row says so. */
export const featureMinors = {
  availableState: 2,
  nodeNames: 5,
  fieldSelection: 8,
  provisionStateFilter: 9,
  looseNodeNames: 10,
  enrollAsInitialState: 11,
  raidConfig: 12,
  stateLinks: 14,
  driverFilter: 16,
  resourceClassFilter: 21,
  ramdiskEndpoints: 22,
  portgroups: 23,
  portgroupLinks: 24,
  unsetChassis: 25,
  softPower: 27,
  vifs: 28,
  injectNmi: 29,
  driverTypes: 30,
  volume: 32,
  configdriveOnRebuild: 35,
  agentVersion: 36,
  traits: 37,
  inspectWaitShown: 39,
  biosSettings: 40,
  abortInspection: 41,
  faultFilter: 42,
  detailQuery: 43,
  resetInterfaces: 45,
  conductorGroupFilter: 46,
  conductors: 49,
  ownerFilter: 50,
  descriptionFilter: 51,
  allocations: 52,
  configdriveObject: 56,
  vendorData: 59,
  retiredFilter: 61,
  agentToken: 62,
  indicators: 63,
  lesseeFilter: 65,
  agentCertificate: 68,
  deploySteps: 69,
  cleaningWithoutRamdisk: 70,
  agentStatus: 72,
  verbAliases: 73,
  biosRegistry: 74,
  bootModeChange: 76,
  driverFields: 77,
  history: 78,
  inventory: 81,
  shards: 82,
  childNodes: 83,
  continueInspection: 84,
  holdStates: 85,
  firmware: 86,
  servicing: 87,
  virtualMediaAttach: 89,
  runbooks: 92,
  virtualMediaRead: 93,
  portByNodeName: 94,
  inspectionRules: 96,
  escapedPatchPaths: 98,
  servicingWithoutRamdisk: 108,
  abortDeployment: 110,
  historyStateAndDuration: 115,
} as const satisfies Record<string, number>;

export type Feature = keyof typeof featureMinors;

/** Whether a request of a microversion may use a feature. */
export function hasFeature(minor: number, feature: Feature): boolean {
  return minor >= featureMinors[feature];
}
