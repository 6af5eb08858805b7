// What the emulated BMC refuses, in Redfish's extended error form (DSP0266 §8.6, DSP2065 Base registry).

/** Message id → the status it comes with and its text, with %1 and %2 for its arguments. */
const messages = {
  NoValidSession: { status: 401, text: 'There is no valid session established with the implementation.' },
  ResourceAtUriUnauthorized: {
    status: 401,
    text: 'While accessing the resource at %1, the service received an authorization error.',
  },
  ResourceMissingAtURI: { status: 404, text: 'The resource at the URI %1 was not found.' },
  OperationNotAllowed: { status: 405, text: 'The HTTP method %1 is not allowed on this resource.' },
  MalformedJSON: { status: 400, text: 'The request body submitted was malformed JSON.' },
  RequestTooLarge: { status: 413, text: 'The request body is larger than %1 bytes.' },
  PropertyUnknown: {
    status: 400,
    text: 'The property %1 is not in the list of valid properties for the resource.',
  },
  PropertyNotWritable: {
    status: 400,
    text: 'The property %1 is a read-only property and cannot be assigned a value.',
  },
  PropertyValueNotInList: {
    status: 400,
    text: 'The value %1 for the property %2 is not in the list of acceptable values.',
  },
  PropertyValueTypeError: {
    status: 400,
    text: 'The value %1 for the property %2 is not a type that the property can accept.',
  },
  ActionParameterMissing: {
    status: 400,
    text: 'The action %1 requires the parameter %2 to be present in the request body.',
  },
  ActionParameterValueNotInList: {
    status: 400,
    text: 'The value %1 for the parameter %2 is not in the list of acceptable values.',
  },
  ActionParameterValueFormatError: {
    status: 400,
    text: 'The value %1 for the parameter %2 is of a different format than the parameter can accept.',
  },
  ActionParameterValueConflict: {
    status: 409,
    text: 'The action parameter %1 with a value of %2 conflicts with the current state of the resource.',
  },
  ResourceInUse: {
    status: 409,
    text: 'The change to the requested resource failed because the resource is in use or in transit.',
  },
  PreconditionFailed: {
    status: 412,
    text: 'The ETag supplied did not match the ETag required to change this resource.',
  },
  SessionLimitExceeded: {
    status: 503,
    text: 'The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation.',
  },
  InternalError: {
    status: 500,
    text: 'The request failed due to an internal service error. The service is still operational.',
  },
} as const satisfies Record<string, { status: number; text: string }>;

type MessageId = keyof typeof messages;

export class RedfishError extends Error {
  override readonly name = 'RedfishError';
  readonly status: number;
  readonly messageId: MessageId;
  readonly args: readonly string[];

  constructor(messageId: MessageId, ...args: string[]) {
    super(messages[messageId].text.replaceAll(/%(\d)/g, (_, index: string) => args[Number(index) - 1] ?? ''));
    this.messageId = messageId;
    this.status = messages[messageId].status;
    this.args = args;
  }

  get body(): Record<string, unknown> {
    return errorBody(this.messageId, this.message, this.args);
  }
}

/** The extended error form, for a status that a fault asks for, too. */
export function errorBody(
  messageId: string,
  message: string,
  args: readonly string[] = [],
): Record<string, unknown> {
  const code = `Base.1.18.${messageId}`;
  return {
    error: {
      code,
      message,
      '@Message.ExtendedInfo': [
        {
          '@odata.type': '#Message.v1_1_2.Message',
          MessageId: code,
          Message: message,
          MessageArgs: args,
          MessageSeverity: 'Critical',
          Resolution: 'None.',
        },
      ],
    },
  };
}
