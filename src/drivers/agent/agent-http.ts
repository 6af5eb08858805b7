import { Client } from 'undici';
import type { AgentExchange } from '../agent-exchange.ts';

/** Enough for every result but logs, which are not asked for; an agent is not to fill the conductor's memory. */
const maxAnswerBytes = 8 * 1024 * 1024;

/** Over HTTP, on a connection of its own. */
export const exchangeOverHttp: AgentExchange = async (request) => {
  const { timeoutMilliseconds: timeout, verify, body } = request;
  const client = new Client(request.origin, {
    connect: {
      timeout,
      rejectUnauthorized: verify !== false,
      ...(typeof verify === 'object' ? { ca: verify.ca } : {}),
    },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: maxAnswerBytes,
  });
  try {
    const answer = await client.request({
      method: request.method,
      path: request.path,
      query: request.query,
      signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]),
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  } finally {
    // A body that was not read to its end would keep a graceful close waiting.
    await client.destroy();
  }
};
