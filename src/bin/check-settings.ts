import { isIPv4 } from 'node:net';
import type { Settings } from '#config/settings.ts';
import { databasePlace } from '#db/open-store.ts';
import type { Role } from './role.ts';
import { StartError } from './start-error.ts';

/** Throws StartError, saying what to set, when a process of this role cannot or must not run with these settings. */
export function checkSettings(role: Role, settings: Settings): void {
  if (role !== 'conductor') checkExposure(settings);
  if (role !== 'all-in-one') checkShared(role, settings);
}

/** Without authentication whoever reaches the port may do everything, so it stays on this machine unless told otherwise. */
function checkExposure(settings: Settings): void {
  const { host_ip: host } = settings.api;
  // A name that only begins like an address of the loopback may be anywhere.
  const isLoopback = host === '::1' || host === 'localhost' || (isIPv4(host) && host.startsWith('127.'));
  if (isLoopback || settings.ingot.allow_remote_without_auth) return;
  throw new StartError(
    `[api] host_ip is ${host}, and there is no authentication: anybody who reaches it could erase machines. ` +
      'Listen on 127.0.0.1, or set [ingot] allow_remote_without_auth = true if that is what you want.',
  );
}

/** Processes apart meet in a database and at a broker. */
function checkShared(role: Role, settings: Settings): void {
  const missing = [
    ...(databasePlace(settings.database.connection)?.kind === 'postgres'
      ? []
      : ['[database] connection = postgresql://USER:PASSWORD@HOST/NAME']),
    ...(settings.ingot.broker_url === null ? ['[ingot] broker_url = nats://HOST:4222'] : []),
  ];
  if (missing.length === 0) return;
  throw new StartError(
    `'ingot ${role}' works with other processes, over PostgreSQL and NATS: set ${missing.join(' and ')}. ` +
      'Without a word, ingot is everything in one process and needs neither.',
  );
}
