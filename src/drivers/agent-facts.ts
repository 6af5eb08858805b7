// What `driver_internal_info` knows of the agent on a machine, each member as a change that forgets it.

/** What no longer holds of an agent whose machine goes off or starts anew. */
export const noAgent = {
  agent_url: null,
  agent_version: null,
  agent_last_heartbeat: null,
  agent_verify_ca: null,
  agent_status: null,
  agent_status_message: null,
  agent_cached_clean_steps: null,
  agent_cached_clean_steps_refreshed: null,
  agent_cached_deploy_steps: null,
  agent_cached_deploy_steps_refreshed: null,
  agent_cached_service_steps: null,
  agent_cached_service_steps_refreshed: null,
} as const;

/** And of its token, which a machine is given for one boot. */
export const noAgentToken = { agent_secret_token: null, agent_secret_token_pregenerated: null } as const;
