// How a Redfish service is talked to. The defaults are those of Ironic's [redfish] group, which is where they come
// from in the running service; what that group lacks is ours.
import { isIPv6 } from 'node:net';
import { BmcSettingInvalid } from '../errors.ts';
import type { CircuitBreakerOptions } from '../circuit-breaker.ts';
import type { RequestQueueOptions } from '../request-queue.ts';

export interface RedfishOptions extends RequestQueueOptions, CircuitBreakerOptions {
  /** Attempts at a request that cannot have had an effect yet, all together. */
  connectionAttempts: number;
  connectionRetryIntervalSeconds: number;
  connectTimeoutSeconds: number;
  /** Silence of an open connection. */
  readTimeoutSeconds: number;
  /** From sending to the last byte, however busily it drips. */
  requestTimeoutSeconds: number;
  maxResponseBytes: number;
  /** How long the end of a task is waited for, and how often it is looked at. */
  taskTimeoutSeconds: number;
  taskPollSeconds: number;
  /** A power-on refused as conflicting, as right after a power-off, is asked for again. */
  powerOnConflictRetryAttempts: number;
  powerOnConflictRetryIntervalSeconds: number;
  /** Boot settings refused while the machine is in POST are sent again, each time after twice the delay. */
  postBootRetryAttempts: number;
  postBootRetryDelaySeconds: number;
  tlsMinimumVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
  tlsCiphers?: string;
}

export const defaultRedfishOptions: RedfishOptions = {
  connectionAttempts: 5,
  connectionRetryIntervalSeconds: 4,
  connectTimeoutSeconds: 30,
  readTimeoutSeconds: 60,
  requestTimeoutSeconds: 120,
  maxResponseBytes: 8 * 1024 * 1024,
  taskTimeoutSeconds: 120,
  taskPollSeconds: 2,
  powerOnConflictRetryAttempts: 6,
  powerOnConflictRetryIntervalSeconds: 10,
  postBootRetryAttempts: 6,
  postBootRetryDelaySeconds: 5,
  maxConcurrentRequests: 2,
  maxQueuedRequests: 64,
  queueTimeoutSeconds: 120,
  breakerFailures: 5,
  breakerOpenSeconds: 30,
};

/** Whom to talk to, and as whom. */
export interface RedfishTarget {
  /** As in driver_info: a host, or a URL whose path, if any, is the service root instead of /redfish/v1. */
  address: string;
  /** Null for a service that asks for no authentication. */
  username: string | null;
  password: string;
  /** `auto`: a session where the service has them, else basic authentication. */
  authType: 'basic' | 'session' | 'auto';
  /** Whether the certificate is verified; or a file or folder of the authorities to verify it with. */
  verifyCa: boolean | string;
}

export interface ServiceAddress {
  /** Scheme, host and port. */
  origin: string;
  /** Path of the service root, with a slash at its end. */
  root: string;
}

/** Understands driver_info's redfish_address. Throws BmcSettingInvalid, without repeating the address: it may hold a password. */
export function parseRedfishAddress(text: string): ServiceAddress {
  const trimmed = text.trim();
  const host = isIPv6(trimmed) ? `[${trimmed}]` : trimmed;
  const url = URL.parse(host.includes('://') ? host : `https://${host}`);
  const invalid = (reason: string) => new BmcSettingInvalid('redfish_address', reason);
  if (url === null) throw invalid('it is neither a host nor a URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('its scheme is not http or https');
  if (url.username !== '' || url.password !== '')
    throw invalid('it holds credentials; they have their own fields');
  if (url.search !== '' || url.hash !== '') throw invalid('it has a query or a fragment');
  // Tried once for a run of slashes, not from each of them: nobody bounds how many there are.
  const path = url.pathname.replace(/(?<!\/)\/+$/, '');
  return { origin: url.origin, root: path === '' ? '/redfish/v1/' : `${path}/` };
}
