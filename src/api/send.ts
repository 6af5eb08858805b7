import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Answer, AnswerStream } from './call.ts';

/** Sends what a handler gave back. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.location !== undefined) reply.header('location', answer.location);
  if (answer.stream) return sendStream(reply, answer.status, answer.stream);
  if (answer.body !== undefined) return sendJson(reply, answer.status, answer.body);
  return reply.code(answer.status).send();
}

/** `body` is JSON text. */
export function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', 'application/json').send(body);
}

/** The answer leaves the library's hands: what is written goes out as it comes, and no proxy is to hold it back. */
function sendStream(reply: FastifyReply, status: number, stream: AnswerStream): FastifyReply {
  reply.hijack();
  const { raw } = reply;
  // Events are their own frames: chunks around them would cost twice as many writes. The end of the answer is that of the connection.
  raw.removeHeader('transfer-encoding');
  raw.writeHead(status, {
    ...headersOf(reply),
    'content-type': stream.contentType,
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  raw.socket?.setNoDelay(true);
  stream.begin(raw);
  return reply;
}

function headersOf(reply: FastifyReply): OutgoingHttpHeaders {
  const set = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set);
}
