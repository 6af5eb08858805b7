import type { DriverPackage } from '../define.ts';
import { customAgentDeploy, directDeploy } from './deploy.ts';
import { agentInspect } from './inspect.ts';
import { agentRescue } from './rescue.ts';

/** What machines of every make can do with the agent. It keeps nothing: all there is to know is in the task. */
export function createAgentPackage(): DriverPackage {
  return {
    hardwareTypes: [],
    implementations: {
      deploy: { direct: directDeploy, 'custom-agent': customAgentDeploy },
      inspect: { agent: agentInspect },
      rescue: { agent: agentRescue },
    },
  };
}
