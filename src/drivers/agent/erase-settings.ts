import type { Settings } from '#config/settings.ts';

/** How the agent is to erase disks; it reads this in the node's driver_internal_info (deploy_utils.py, 2026.2). */
export function eraseSettings({ deploy }: Settings): Record<string, unknown> {
  return {
    agent_erase_devices_iterations: deploy.shred_random_overwrite_iterations,
    agent_erase_devices_zeroize: deploy.shred_final_overwrite_with_zeros,
    agent_continue_if_secure_erase_failed: deploy.continue_if_disk_secure_erase_fails,
    agent_continue_if_ata_erase_failed: deploy.continue_if_disk_secure_erase_fails,
    agent_enable_ata_secure_erase: deploy.enable_ata_secure_erase,
    agent_enable_nvme_secure_erase: deploy.enable_nvme_secure_erase,
    agent_erase_skip_read_only: deploy.erase_skip_read_only,
    disk_erasure_concurrency: deploy.disk_erasure_concurrency,
  };
}
