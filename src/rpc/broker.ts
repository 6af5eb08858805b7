// The connection with the broker: made once, kept for as long as the process runs.
import {
  checkServerIdentity,
  type ConnectionOptions as NodeTlsOptions,
  type PeerCertificate,
} from 'node:tls';
import {
  connect,
  errors,
  type ConnectionOptions,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { ConfigError } from '#config/config-error.ts';
import type { Settings } from '#config/settings.ts';
import type { Log } from '#model/log.ts';
import { messageOf } from '#model/message.ts';
import { BrokerAway, BrokerRefused } from './broker-errors.ts';
import { type Subjects, subjectsBelow } from './subjects.ts';

export interface Broker extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly subjects: Subjects;
  /** False from when a loss is noticed until the connection is there again. What is sent meanwhile is lost. */
  readonly isConnected: boolean;
  /** Calls `hear` whenever the connection is lost, until the function given back is called. */
  onLost(hear: () => void): () => void;
}

/** Between two tries to reach the broker; each time with a random part, so that not all processes come at once. */
const retry = { everyMilliseconds: 250, jitterMilliseconds: 500 };
/** A broker that does not answer two of these in a row is taken for lost. */
const pingIntervalMilliseconds = 5000;
const handshakeMilliseconds = 5000;

/**
 * Connects with [ingot]broker_url and stays connected: a connection that is lost later is made again, for ever.
 * Throws ConfigError for a URL that is none, BrokerRefused, or BrokerAway.
 */
export async function connectBroker(settings: Settings, log: Log): Promise<Broker> {
  const subjects = subjectsBelow(settings.ingot.broker_prefix);
  const address = parseBrokerUrl(settings.ingot.broker_url ?? '', settings.ingot.broker_ca_file);
  const connection = await connectOnce({
    ...address,
    name: settings.DEFAULT.host,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => retry.everyMilliseconds + Math.random() * retry.jitterMilliseconds,
    pingInterval: pingIntervalMilliseconds,
    maxPingOut: 2,
    timeout: handshakeMilliseconds,
    inboxPrefix: subjects.inbox,
    // A stack kept for each request costs more than the request.
    noAsyncTraces: true,
  });
  return watch(connection, subjects, log);
}

async function connectOnce(options: ConnectionOptions): Promise<NatsConnection> {
  try {
    return await connect(options);
  } catch (cause) {
    const brokers = `The broker at ${[options.servers].flat().join(', ')}`;
    if (isRefusal(cause))
      throw new BrokerRefused(`${brokers} did not take user and password of [ingot] broker_url.`, { cause });
    throw new BrokerAway(`${brokers} cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    (error instanceof Error && error.cause instanceof errors.AuthorizationError)
  );
}

function watch(connection: NatsConnection, subjects: Subjects, log: Log): Broker {
  const hearers = new Set<() => void>();
  let isConnected = true;
  let isClosing = false;
  const lost = (): void => {
    // Told for every try to connect again, too.
    if (!isConnected || isClosing) return;
    isConnected = false;
    log.warn({}, 'the connection with the broker is lost; until it is back, calls between processes fail');
    for (const hear of hearers) hear();
  };
  const back = (server: string): void => {
    isConnected = true;
    log.info({ server }, 'the connection with the broker is back');
  };
  const watching = (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'close') lost();
      if (status.type === 'reconnect') back(status.server);
      if (status.type === 'error') log.error({ err: status.error }, 'the broker tells of an error');
    }
  })();
  return {
    connection,
    subjects,
    get isConnected() {
      return isConnected;
    },
    onLost(hear) {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
    async [Symbol.asyncDispose]() {
      isClosing = true;
      // Draining sends what is still to be sent; without a connection it would wait for one, or fail.
      if (isConnected) await connection.drain().catch(() => {});
      await connection.close();
      await watching;
    },
  };
}

type Address = Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls'>;

/** What the client wants to know, of `nats://user:password@host:port,…`. Throws ConfigError; it names no secret. */
export function parseBrokerUrl(text: string, caFile: string | null): Address {
  const urls = text.split(',').map((each) => parsed(each.trim()));
  const [first] = urls;
  if (!first || urls.some((url) => url.protocol !== first.protocol)) throw badUrl();
  const password = decodeURIComponent(first.password);
  const user = decodeURIComponent(first.username);
  return {
    servers: urls.map((url) => `${url.hostname}:${url.port || '4222'}`),
    ...(user !== '' && (password === '' ? { token: user } : { user, pass: password })),
    ...(first.protocol === 'tls:' && { tls: tlsOptions(urls, caFile) }),
  };
}

/** A broker has to show the certificate of one of those that were named. The client looks at names only, at no address. */
function tlsOptions(urls: readonly URL[], caFile: string | null): TlsOptions {
  const names = urls.map((url) => url.hostname.replaceAll(/^\[|\]$/g, ''));
  const isOne = (_name: string, certificate: PeerCertificate): Error | undefined => {
    const errors = names.map((name) => checkServerIdentity(name, certificate));
    return errors.includes(undefined) ? undefined : errors[0];
  };
  // The client hands to node:tls whatever it is given.
  const verified: TlsOptions & ConnectionVerification = { checkServerIdentity: isOne };
  return caFile === null ? verified : { ...verified, caFile };
}

type ConnectionVerification = Pick<NodeTlsOptions, 'checkServerIdentity'>;

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') throw badUrl();
  return url;
}

function badUrl(): ConfigError {
  const problem =
    'is not of the form nats://HOST:PORT or tls://HOST:PORT, or several of one kind with commas between.';
  return new ConfigError({ group: 'ingot', option: 'broker_url', problem });
}
