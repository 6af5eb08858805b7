import { ConfigError } from '#config/config-error.ts';

/** Every subject at the broker, below the prefix that keeps several services there apart. */
export interface Subjects {
  conductor(hostname: string): string;
  /** Shared by the conductors that have the hardware type: one of them gets each call. */
  hardwareType(name: string): string;
  signal(name: string): string;
  notification(eventType: string): string;
  readonly inbox: string;
}

/** Throws ConfigError when the prefix is no word, or words with dots between. */
export function subjectsBelow(prefix: string): Subjects {
  if (!/^[\w-]+(\.[\w-]+)*$/.test(prefix)) {
    const problem = `is '${prefix}', which is not made of letters, digits, hyphens, underscores and dots between.`;
    throw new ConfigError({ group: 'ingot', option: 'broker_prefix', problem });
  }
  return {
    conductor: (hostname) => `${prefix}.conductor.${token(hostname)}`,
    hardwareType: (name) => `${prefix}.hardware-type.${token(name)}`,
    signal: (name) => `${prefix}.signals.${name}`,
    notification: (eventType) => `${prefix}.notifications.${eventType}`,
    inbox: `${prefix}.inbox`,
  };
}

/** Any name as one word of a subject: dots part words there, and stars are patterns. */
function token(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E').replaceAll('*', '%2A');
}
