// What a node's driver_info says of its BMC (ironic drivers/modules/redfish/utils.py, 2026.2).
import { statSync } from 'node:fs';
import { BmcSettingInvalid } from '#bmc/errors.ts';
import { parseRedfishAddress, type RedfishTarget } from '#bmc/redfish/options.ts';
import type { Settings } from '#config/settings.ts';
import { InvalidParameterValue, MissingParameterValue } from '#model/faults.ts';
import type { NodeRecord } from '#model/node-record.ts';
import { booleanWord } from '#model/boolean-word.ts';

/** Members of driver_info that every redfish interface reads. */
export const redfishProperties = {
  redfish_address:
    'The URL or host of the BMC; https when no scheme is given. A path in it is the root of the service. Required.',
  redfish_system_id:
    'The path of the system, as /redfish/v1/Systems/1. Required when the BMC manages more than one.',
  redfish_username: 'The user to sign in as, with the rights of an administrator.',
  redfish_password: 'The password of that user.',
  redfish_verify_ca:
    'Whether the certificate of the BMC is verified: True, False, or the file or folder of its authorities. Default True.',
  redfish_auth_type:
    'How to sign in: basic, session, or auto, which is session where the BMC has it. Default auto.',
} as const;

export interface RedfishInfo {
  target: RedfishTarget;
  /** The path of the system; null for the only one there is. */
  systemPath: string | null;
}

const authTypes = ['basic', 'session', 'auto'] as const;

/**
 * The BMC of a node. Throws MissingParameterValue or InvalidParameterValue naming the member; secrets and addresses
 * are not repeated. Asks nobody.
 */
export function redfishInfoOf(node: NodeRecord, settings: Settings): RedfishInfo {
  const { driver_info } = node;
  const address = text(driver_info, 'redfish_address');
  if (address === null) {
    throw new MissingParameterValue('driver_info has no redfish_address, the URL of the BMC.');
  }
  checkAddress(address);
  const username = text(driver_info, 'redfish_username');
  const password = text(driver_info, 'redfish_password');
  if (username === null && password !== null) {
    throw new MissingParameterValue('driver_info has a redfish_password and no redfish_username.');
  }
  const systemPath = text(driver_info, 'redfish_system_id');
  if (systemPath !== null && !/^\/[\u0021-\u007E]*$/.test(systemPath)) {
    throw invalid('redfish_system_id', 'is not a path, as /redfish/v1/Systems/1');
  }
  const authType = text(driver_info, 'redfish_auth_type')?.toLowerCase() ?? settings.redfish.auth_type;
  const known = authTypes.find((type) => type === authType);
  if (known === undefined) throw invalid('redfish_auth_type', `is none of ${authTypes.join(', ')}`);
  return {
    target: {
      address,
      username,
      password: password ?? '',
      authType: known,
      verifyCa: verifyCaOf(driver_info['redfish_verify_ca'] ?? settings.redfish.verify_ca ?? true),
    },
    // Without a slash at its end: paths are compared with what the BMC links to.
    systemPath: systemPath?.replace(/(?<=[^/])\/+$/, '') ?? null,
  };
}

function checkAddress(address: string): void {
  try {
    parseRedfishAddress(address);
  } catch (cause) {
    if (cause instanceof BmcSettingInvalid) throw new InvalidParameterValue(cause.message, { cause });
    throw cause;
  }
}

function verifyCaOf(value: unknown): boolean | string {
  const word = booleanWord(value);
  if (word !== null) return word;
  if (typeof value === 'string' && isFileOrFolder(value)) return value;
  throw invalid('redfish_verify_ca', 'is neither true, false nor the path of a file or folder that is there');
}

function isFileOrFolder(path: string): boolean {
  try {
    const found = statSync(path);
    return found.isFile() || found.isDirectory();
  } catch {
    return false; // not there, not to be seen, or no path at all
  }
}

function text(driverInfo: Record<string, unknown>, member: string): string | null {
  const value = driverInfo[member];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value !== 'string') throw invalid(member, 'is not text');
  return value;
}

function invalid(member: string, reason: string): InvalidParameterValue {
  return new InvalidParameterValue(`${member} in driver_info ${reason}.`);
}
