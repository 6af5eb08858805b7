// What a Redfish service answered, and how an answer that says no becomes an error (DSP0266 §8.6).
import { BmcAuthFailed, BmcProtocolError, type BmcError } from '../errors.ts';
import { isObject, listAt, textAt, type JsonObject } from './json.ts';
import type { Secrets } from './secrets.ts';
import type { HttpResponse } from './transport.ts';

export interface Answer {
  status: number;
  /** Path of what was created, or of the monitor of a task. */
  location: string | null;
  etag: string | null;
  /** Seconds the service asks to be left alone. */
  retryAfterSeconds: number | null;
  /** Null if there was none, or none that is a JSON object. */
  body: JsonObject | null;
  headers: Record<string, string>;
}

export function readAnswer(response: HttpResponse): Answer {
  const body = parseObject(response.body);
  const { location, etag, 'retry-after': retryAfter } = response.headers;
  return {
    status: response.status,
    location: location === undefined ? null : pathOf(location),
    etag: textAt(body, '@odata.etag') ?? etag ?? null,
    retryAfterSeconds: /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : null,
    body,
    headers: response.headers,
  };
}

function parseObject(bytes: Buffer): JsonObject | null {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Services behind a proxy give whole URLs of a host that is not theirs; requests go to the configured one only. */
function pathOf(location: string): string | null {
  if (location.startsWith('/')) return location;
  const url = URL.parse(location);
  return url === null ? null : url.pathname + url.search;
}

/** Null if the answer is a success. */
export function refusal(address: string, request: string, answer: Answer, secrets: Secrets): BmcError | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  if (status === 401) return new BmcAuthFailed(address, 'credentials', request);
  const information = extendedInformation(answer.body);
  const messageIds = information.map(({ id }) => secrets.hide(id));
  if (status >= 300 && status < 400) {
    return new BmcProtocolError(
      address,
      `answered ${request} with a redirection (${status}), which is not followed; give the final address on the node`,
      { status },
    );
  }
  const said = secrets.hide(information.map(({ message }) => message).join(' '));
  if (status === 403 && said === '') return new BmcAuthFailed(address, 'permission', request);
  const reason = said === '' ? 'without a reason' : `saying: ${said}`;
  return new BmcProtocolError(address, `answered ${request} with ${status} ${reason}`, {
    status,
    messageIds,
    retryAfterSeconds: answer.retryAfterSeconds,
  });
}

function extendedInformation(body: JsonObject | null): { id: string; message: string }[] {
  const details = listAt(body, 'error', '@Message.ExtendedInfo').slice(0, 10);
  const messages = details.map((item) => ({
    id: textAt(item, 'MessageId') ?? '',
    message: [textAt(item, 'Message'), textAt(item, 'Resolution')].filter(Boolean).join(' '),
  }));
  if (messages.some(({ message }) => message !== '')) return messages;
  return [
    ...messages,
    { id: textAt(body, 'error', 'code') ?? '', message: textAt(body, 'error', 'message') ?? '' },
  ];
}
