// Kernel parameters by which an agent learns where to call and as whom (spec agent-api.json#/kernel_params_sent).
import { apiUrl } from '#images/service-url.ts';
import type { StepTask } from '../task.ts';

/** The same for one boot however often it is asked for, which is how a repeated step knows its own media. */
export function agentKernelParameters(task: StepTask, token: string | null): Record<string, string> {
  const { settings, operationId } = task;
  return {
    'ipa-api-url': apiUrl(settings),
    ...(token === null ? {} : { 'ipa-agent-token': token }),
    // Agents send it with each request; only this form is accepted as a request's id.
    ...(/^[0-9a-f-]{36}$/.test(operationId) ? { 'ipa-global-request-id': `req-${operationId}` } : {}),
    ...(settings.DEFAULT.debug ? { 'ipa-debug': '1' } : {}),
  };
}

/** What makes the agent inspect the machine and send the result before it looks its node up. */
export function inspectionKernelParameters(task: StepTask, token: string | null): Record<string, string> {
  return {
    'ipa-inspection-callback-url': `${apiUrl(task.settings)}/v1/continue_inspection`,
    ...agentKernelParameters(task, token),
    ...wordsOf(task.settings.inspector.extra_kernel_params),
  };
}

function wordsOf(text: string): Record<string, string> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}
