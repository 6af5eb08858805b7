// The kernel parameters an agent obeys, by the names and defaults of ironic-python-agent
// (spec agent-api.json#/kernel_parameters), and two of our own.
import { minimumTokenLength } from '#protocol/agent-commands.ts';
import { InvalidKernelParameter } from './faults.ts';

interface Parameter {
  kernel: string;
  kind: 'text' | 'list' | 'integer' | 'seconds' | 'port' | 'boolean';
  default: string | null;
}

/** Every parameter: a row each. `seconds` may have a fraction. */
const table = {
  apiUrls: { kernel: 'ipa-api-url', kind: 'list', default: null },
  globalRequestId: { kernel: 'ipa-global-request-id', kind: 'text', default: null },
  inspectionCallbackUrl: { kernel: 'ipa-inspection-callback-url', kind: 'text', default: null },
  inspectionCollectors: { kernel: 'ipa-inspection-collectors', kind: 'list', default: 'default,logs' },
  agentToken: { kernel: 'ipa-agent-token', kind: 'text', default: null },
  listenHost: { kernel: 'ipa-listen-host', kind: 'text', default: null },
  listenPort: { kernel: 'ipa-listen-port', kind: 'port', default: null },
  advertiseHost: { kernel: 'ipa-advertise-host', kind: 'text', default: null },
  advertisePort: { kernel: 'ipa-advertise-port', kind: 'port', default: null },
  advertiseProtocol: { kernel: 'ipa-advertise-protocol', kind: 'text', default: 'http' },
  networkInterface: { kernel: 'ipa-network-interface', kind: 'text', default: null },
  insecure: { kernel: 'ipa-insecure', kind: 'boolean', default: 'false' },
  lookupTimeout: { kernel: 'ipa-lookup-timeout', kind: 'seconds', default: '600' },
  lookupInterval: { kernel: 'ipa-lookup-interval', kind: 'seconds', default: '1' },
  httpRequestTimeout: { kernel: 'ipa-http-request-timeout', kind: 'seconds', default: '30' },
  hardwareInitializationDelay: {
    kernel: 'ipa-hardware-initialization-delay',
    kind: 'seconds',
    default: '0',
  },
  diskWaitAttempts: { kernel: 'ipa-disk-wait-attempts', kind: 'integer', default: '10' },
  diskWaitDelay: { kernel: 'ipa-disk-wait-delay', kind: 'seconds', default: '3' },
  imageTimeout: { kernel: 'ipa-image-download-connection-timeout', kind: 'seconds', default: '60' },
  imageRetries: { kernel: 'ipa-image-download-connection-retries', kind: 'integer', default: '9' },
  imageRetryInterval: {
    kernel: 'ipa-image-download-connection-retry-interval',
    kind: 'seconds',
    default: '10',
  },
  imageMaxDuration: { kernel: 'ipa-image-download-max-duration', kind: 'seconds', default: '0' },
  /** Ours. Least time between two heartbeats, and the base of their pause after an error; 5 in IPA. */
  heartbeatMinGap: { kernel: 'ipa-heartbeat-min-gap', kind: 'seconds', default: '5' },
  /** Ours. First pause between attempts to post inspection data; doubles up to six times itself; 5 in IPA. */
  inspectionRetryInterval: { kernel: 'ipa-inspection-retry-interval', kind: 'seconds', default: '5' },
  bootInterface: { kernel: 'BOOTIF', kind: 'text', default: null },
  debug: { kernel: 'ipa-debug', kind: 'boolean', default: 'false' },
} as const satisfies Record<string, Parameter>;

interface Kinds {
  text: string;
  list: string[];
  integer: number;
  seconds: number;
  port: number;
  boolean: boolean;
}
type Table = typeof table;
export type AgentParameters = {
  [Name in keyof Table]: Kinds[Table[Name]['kind']] | (Table[Name]['default'] extends null ? null : never);
};

/**
 * The parameters in a kernel command line; the last of two with the same name wins, as in the kernel.
 * @throws InvalidKernelParameter for a value of the wrong form.
 */
export function parseParameters(commandLine: string): AgentParameters {
  const given = new Map<string, string>();
  for (const word of commandLine.split(/\s+/)) {
    const at = word.indexOf('=');
    if (at > 0) given.set(word.slice(0, at), word.slice(at + 1));
    else if (word !== '') given.set(word, '');
  }
  const values: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries<Parameter>(table)) {
    const text = given.get(parameter.kernel) ?? parameter.default;
    values[name] = text === null ? null : parseValue(parameter, text);
  }
  const parameters = values as AgentParameters; // filled from the very table that types it
  return {
    ...parameters,
    agentToken: usableToken(parameters.agentToken),
    bootInterface: macOfBootInterface(parameters.bootInterface),
  };
}

/** The token, or null for one too short to be one. */
export function usableToken(token: string | null | undefined): string | null {
  return token && token.length >= minimumTokenLength ? token : null;
}

function parseValue({ kernel, kind }: Parameter, text: string): unknown {
  switch (kind) {
    case 'text':
      return text === '' ? null : text;
    case 'list':
      return text.split(',').filter((part) => part !== '');
    case 'integer':
      return parseNumber(kernel, text, /^\d+$/, 'a whole number');
    case 'seconds':
      return parseNumber(kernel, text, /^\d+(\.\d+)?$/, 'a number of seconds');
    case 'port': {
      const port = parseNumber(kernel, text, /^\d+$/, 'a port');
      if (port > 65_535) throw new InvalidKernelParameter(kernel, text, 'a port');
      return port;
    }
    case 'boolean':
      if (/^(1|t|true|on|y|yes|)$/i.test(text)) return true;
      if (/^(0|f|false|off|n|no)$/i.test(text)) return false;
      throw new InvalidKernelParameter(kernel, text, 'true or false');
  }
}

function parseNumber(kernel: string, text: string, form: RegExp, expected: string): number {
  if (!form.test(text)) throw new InvalidKernelParameter(kernel, text, expected);
  return Number(text);
}

/** BOOTIF is a hardware type and a MAC in pxelinux's writing: 01-52-54-00-aa-bb-cc. */
function macOfBootInterface(bootInterface: string | null): string | null {
  const octets = bootInterface?.toLowerCase().split(/[-:]/) ?? [];
  const mac = octets.length === 7 ? octets.slice(1) : octets;
  return mac.length === 6 && mac.every((octet) => /^[0-9a-f]{2}$/.test(octet)) ? mac.join(':') : null;
}
