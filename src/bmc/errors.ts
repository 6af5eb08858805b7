// What can go wrong with a management controller. Messages name its address and what to do, and never a credential:
// text that comes from the controller has been through `Secrets.hide` before it gets here.

/** Every fault of this folder, for callers that treat them alike. */
export class BmcError extends Error {
  /** Where the controller is, without credentials. */
  readonly address: string;

  constructor(address: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.address = address;
  }
}

/** No connection, or it broke before there was an answer. */
export class BmcUnreachable extends BmcError {
  /** True if a request that changes something may have been carried out: read back before repeating it. */
  readonly mayHaveTakenEffect: boolean;

  constructor(address: string, reason: string, mayHaveTakenEffect: boolean, options?: ErrorOptions) {
    super(address, `Cannot reach the BMC at ${address}: ${reason}`, options);
    this.mayHaveTakenEffect = mayHaveTakenEffect;
  }
}

/** Not asked at all, because the last attempts to reach it all failed. */
export class BmcCircuitOpen extends BmcError {
  readonly retryAfterMilliseconds: number;

  constructor(address: string, failures: number, retryAfterMilliseconds: number, options?: ErrorOptions) {
    super(
      address,
      `The BMC at ${address} is not being asked: the last ${failures} attempts to reach it failed. ` +
        `It is tried again in ${Math.ceil(retryAfterMilliseconds / 1000)} s`,
      options,
    );
    this.retryAfterMilliseconds = retryAfterMilliseconds;
  }
}

/** Connected, but no whole answer within the limit. */
export class BmcTimeout extends BmcError {
  /** True if a request that changes something may have been carried out: read back before repeating it. */
  readonly mayHaveTakenEffect: boolean;

  constructor(address: string, request: string, seconds: number, mayHaveTakenEffect: boolean) {
    super(
      address,
      `The BMC at ${address} did not answer ${request} within ${seconds} s; if it stays so, restart the BMC`,
    );
    this.mayHaveTakenEffect = mayHaveTakenEffect;
  }
}

export class BmcAuthFailed extends BmcError {
  readonly refused: 'credentials' | 'permission';

  constructor(address: string, refused: 'credentials' | 'permission', request: string) {
    super(
      address,
      refused === 'credentials'
        ? `The BMC at ${address} refused the user name or password; correct them on the node`
        : `The BMC at ${address} does not allow its user ${request}; give the user the administrator role`,
    );
    this.refused = refused;
  }
}

/** An answer that says no, or that is not what the protocol says it should be. */
export class BmcProtocolError extends BmcError {
  /** Null if the answer was not even HTTP. */
  readonly status: number | null;
  /** The MessageIds of the extended information, as `Base.1.8.ActionParameterMissing`. */
  readonly messageIds: readonly string[];
  /** Seconds the service asks to be left alone, if it does. */
  readonly retryAfterSeconds: number | null;

  constructor(
    address: string,
    message: string,
    details: { status?: number; messageIds?: readonly string[]; retryAfterSeconds?: number | null } = {},
  ) {
    super(address, `The BMC at ${address} ${message}`);
    this.status = details.status ?? null;
    this.messageIds = details.messageIds ?? [];
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }

  /** Whether the extended information holds this message, of whatever registry and version. */
  says(messageName: string): boolean {
    return this.messageIds.some((id) => id.split('.').at(-1) === messageName);
  }
}

/** It lacks what was asked for; asking again will not help. */
export class BmcUnsupported extends BmcError {
  constructor(address: string, what: string) {
    super(address, `The BMC at ${address} ${what}`);
  }
}

/** Too much is waiting for this controller already. */
export class BmcBusy extends BmcError {
  constructor(address: string, waiting: number) {
    super(
      address,
      `The BMC at ${address} is busy: ${waiting} requests wait for it already; it is slow or asked too often`,
    );
  }
}

/** The client has been closed, as on shutdown. */
export class BmcClientClosed extends BmcError {
  constructor(address: string) {
    super(address, `The connection to the BMC at ${address} has been closed because the service is stopping`);
  }
}

/** The address, or a setting of the connection, cannot be used. */
export class BmcSettingInvalid extends Error {
  override readonly name = 'BmcSettingInvalid';
  readonly setting: string;

  constructor(setting: string, reason: string, options?: ErrorOptions) {
    super(`${setting} cannot be used: ${reason}`, options);
    this.setting = setting;
  }
}
